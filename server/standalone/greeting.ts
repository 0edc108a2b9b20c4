/**
 * The text that `npm start` prints in local mode: Mooring's address, the keys at a first start and how to create one
 * later, and requests that can be pasted unchanged. `standalone.ts` calls it.
 */
import { isAbsolute, relative, resolve } from 'node:path'
import type { Config } from '#server/config.ts'
import { consoleAddress } from './console-sign-in.ts'
import type { FirstKeys } from './first-start.ts'

/** The address of the installation, and the database to register. */
export interface GreetedPlace {
  readonly config: Pick<
    Config,
    'host' | 'localDir' | 'keyring' | 'keyringCommand' | 'openNetworksByDefault' | 'publicUrl'
  >
  readonly port: number
  /** The connection string of the sample database. Secret. */
  readonly demoDatabase: string
  /** A code for the console; null if the output is not a terminal. Secret. */
  readonly consoleCode: string | null
}

/** The text of a first start: keys, and a request for each dialect. Contains secrets. */
export function firstGreeting(at: GreetedPlace, { testKey, liveKey }: FirstKeys): string {
  const url = urlOf(at)
  return text([
    ...beginning(at),
    '',
    'Two API keys, shown only now:',
    `  test  ${testKey}`,
    `  live  ${liveKey}`,
    '',
    'Register the sample database through the connections dialect:',
    curl(`${url}/api/v1/connections`, `X-API-Key: ${testKey}`, {
      name: 'Sample',
      db_type: 'postgresql',
      connection_string: at.demoDatabase,
    }),
    '',
    'and through the datasources dialect, waiting up to 10 s for the verdict:',
    curl(`${url}/v1/datasources`, `Authorization: Bearer ${testKey}`, { connectionString: at.demoDatabase }),
    '',
    ...ending(at),
  ])
}

/**
 * The text of a later start, without keys. `isOwed`: the keys of the first start still have to be shown. Contains a
 * secret.
 */
export function laterGreeting(at: GreetedPlace, isOwed: boolean): string {
  return text([
    ...beginning(at),
    '',
    isOwed
      ? 'Nobody reads this output: the next start shows the first keys.'
      : 'API keys are shown once, when they are created.',
    'The sample database, to be registered:',
    `  ${at.demoDatabase}`,
    '',
    ...ending(at),
  ])
}

/** The end of every text: where to read on, how to create another key, and how to stop. */
function ending(at: GreetedPlace): string[] {
  return [
    'The documents:',
    `  ${urlOf(at)}/docs`,
    'To create another key:',
    `  ${keyCommand(at)}`,
    'To register your own database, with that key in MOORING_API_KEY:',
    `  ${command(at, 'register')}`,
    `To stop: Ctrl-C, or kill ${process.pid}. ${shortest(at.config.localDir)} keeps everything for the next start.`,
    '',
  ]
}

function beginning(at: GreetedPlace): string[] {
  const lines = [`Mooring is at ${urlOf(at)}`]
  if (at.consoleCode !== null)
    lines.push(`Console sign-in, valid once and for five minutes: ${consoleAddress(urlOf(at), at.consoleCode)}`)
  if (at.config.openNetworksByDefault)
    lines.push('Local mode: databases on loopback may be registered (MOORING_ALLOWED_NETWORKS replaces this).')
  return lines
}

/** The address under which a shell on this machine reaches it. */
function urlOf({ config: { host }, port }: GreetedPlace): string {
  if (['127.0.0.1', '0.0.0.0', '::', 'localhost'].includes(host)) return `http://localhost:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** A caller's command, with the variable that it needs to find this installation. */
function command(at: GreetedPlace, word: string): string {
  const url = urlOf(at)
  return `${url === 'http://localhost:3000' ? '' : `MOORING_URL=${url} `}${NAME} ${word}`
}

/** The script of a checkout, or the command of the package. */
const NAME = import.meta.url.endsWith('.ts') ? 'npm run -s mooring --' : 'npx mooring'

/** The command that creates a key, with the variables that it needs to find this installation. */
function keyCommand({ config }: GreetedPlace): string {
  const { localDir, keyring, keyringCommand } = config
  const given = [
    ...(localDir === resolve('.data') ? [] : [`MOORING_DATA_DIR=${quoted(shortest(localDir))}`]),
    ...(keyring === resolve(localDir, 'keyring') ? [] : [`MOORING_KEYRING=${quoted(shortest(keyring))}`]),
    ...(keyringCommand === null ? [] : [`MOORING_KEYRING_COMMAND=${quoted(keyringCommand)}`]),
  ]
  return [...given, `${NAME} keys create --mode test`].join(' ')
}

/** A path below the current folder as it is typed here: npm's scripts run in the folder of the package. */
export function shortest(path: string): string {
  const way = relative('.', path)
  return way === '' || way.startsWith('..') || isAbsolute(way) ? path : way
}

/** Quotes a word for a POSIX shell. */
function quoted(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

function curl(url: string, header: string, body: object): string {
  const headers = [header, 'Content-Type: application/json', 'Prefer: wait=10'].map(one => `-H '${one}'`).join(' ')
  return `  curl -sS ${url} ${headers} \\\n    -d ${quoted(JSON.stringify(body))}`
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
