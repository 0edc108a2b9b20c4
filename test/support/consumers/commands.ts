/**
 * Runs commands of consumers with the consumer's Node, never with
 * that of this checkout, which `npm run` puts first.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** The folder of a command, its Node, and additions to its environment. */
export interface Place {
  readonly cwd: string
  /** The folder that contains `node`. */
  readonly node: string
  readonly env?: Readonly<Record<string, string>>
}

const NETWORK = /^(NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|\w+_proxy|npm_config_(registry|cafile|cache))$/i
const LATE_MS = 120_000
const MAX_BYTES = 64 << 20

/** Runs a command and returns its standard output. Throws an `Error` with the end of its output. */
export async function run(place: Place, command: string, args: readonly string[]): Promise<string> {
  const options = { cwd: place.cwd, env: environmentOf(place), maxBuffer: MAX_BYTES }
  const { stdout } = await promisify(execFile)(command, [...args], options).catch((error: unknown) => {
    const said = [Reflect.get(Object(error), 'stdout'), Reflect.get(Object(error), 'stderr')].join('\n').trim()
    throw new Error(`${command} ${args.join(' ')}: ${said.slice(-2_000)}`)
  })
  return stdout
}

/** Returns the CPU seconds of a command and its children. */
export async function cpuSeconds(place: Place, command: string, args: readonly string[]): Promise<number> {
  const quoted = [command, ...args].map(part => `'${part}'`).join(' ')
  const said = await run(place, 'bash', ['-c', `TIMEFORMAT='%U %S'; { time ${quoted} >/dev/null; } 2>&1 | tail -1`])
  const [user = Number.NaN, system = Number.NaN] = said.trim().split(' ').map(Number)
  return user + system
}

/**
 * Starts a long-running command. Resolves when it prints the awaited text, with that text and a function that stops it.
 */
export async function started(
  place: Place,
  [command = '', ...args]: readonly string[],
  pattern: RegExp,
): Promise<{ readonly said: string; stop(): Promise<void> }> {
  const child = spawn(command, args, { cwd: place.cwd, env: environmentOf(place), detached: true })
  const ended = once(child, 'exit')
  let said = ''
  const heard = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (pattern.test(said)) heard.resolve()
    })
  const gone = ended.then(() => {
    throw new Error(`${command} ${args.join(' ')} ended: ${said.slice(-2_000)}`)
  })
  const late = AbortSignal.timeout(LATE_MS)
  late.onabort = () => heard.reject(new Error(`${command} did not say ${pattern}: ${said.slice(-2_000)}`))
  await Promise.race([heard.promise, gone])
  gone.catch(() => undefined)
  return {
    said,
    async stop() {
      // Its own process group, so that its children end with it.
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      await ended
    },
  }
}

function environmentOf({ node, env }: Place): NodeJS.ProcessEnv {
  const { PATH = '', HOME = '' } = process.env
  const kept = PATH.split(delimiter).filter(folder => !folder.includes(join('node_modules', '.bin')))
  // How this machine reaches the registry; nothing else from `npm run`, such as the settings of the checkout.
  const network = Object.entries(process.env).filter(([name]) => NETWORK.test(name))
  return {
    ...Object.fromEntries(network),
    PATH: [node, ...kept].join(delimiter),
    HOME,
    CI: 'true',
    NO_COLOR: '1',
    ...env,
  }
}
