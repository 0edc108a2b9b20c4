/**
 * Detects whether a process is alive, starts one as an account that PostgreSQL accepts, and waits for its end.
 *
 * PostgreSQL refuses to run as root. It must never be started through a shell, nor given our own environment, which may
 * contain secrets. Called by the other files of this folder and by `server/standalone/embedded/embedded.ts`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

/**
 * A process as the system reports it. `started` distinguishes two processes that used the same id one after the other.
 */
export interface Living {
  readonly started: string
  /** Program and arguments with a space after each; null if the system does not report it. */
  readonly command: string | null
}

/** Returns the process with that id; null if there is none or only a zombie. */
export async function lookUp(pid: number): Promise<Living | null> {
  if (!Number.isInteger(pid) || pid <= 0) return null
  if (process.platform === 'linux') return lookUpInProc(pid)
  return process.platform === 'win32' ? lookUpBySignal(pid) : lookUpByPs(pid)
}

async function lookUpInProc(pid: number): Promise<Living | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The program's name is in parentheses and may contain anything: fields are counted from the last parenthesis.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return null
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
    return { started: fields[19] ?? '', command }
  } catch {
    return null
  }
}

async function lookUpByPs(pid: number): Promise<Living | null> {
  const said = await run(['ps', '-ww', '-o', 'stat=,lstart=,command=', '-p', `${pid}`])
  // "Ss   Sat Nov 21 23:04:00 2026 /path/postgres -D …"
  const [, state, started = '', command = ''] = said?.match(/^(\S+)\s+((?:\S+\s+){4}\S+)\s+(.*)$/m) ?? []
  return state === undefined || state.startsWith('Z') ? null : { started, command: `${command} ` }
}

function lookUpBySignal(pid: number): Living | null {
  try {
    process.kill(pid, 0)
    return { started: '', command: null }
  } catch {
    return null
  }
}

/** Waits until a process is gone; returns false if it is still alive after `timeoutMs`. */
export async function gone(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    if ((await lookUp(pid)) === null) return true
    await wait(20)
  }
  return false
}

/** How to start a PostgreSQL program: a command prefix, or an account to switch to. */
export interface Identity {
  readonly prefix: readonly string[]
  readonly uid?: number
  readonly gid?: number
}

/** The environment of every program started here. None of our own is inherited. */
export const BARE_ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

// In a user namespace, root is an ordinary user to PostgreSQL and still root to the file system, so this works below a
// 0700 home.
const UNSHARE = ['unshare', '--user', '--map-user=65534', '--map-group=65534']

/**
 * Chooses the account: our own unless we are root; then the owner of a cluster that another account created; else root
 * in a user namespace; else, where namespaces are forbidden (many containers), an unprivileged system account.
 *
 * @throws an `Error` if root finds none of these.
 */
export async function chooseIdentity(cluster: string): Promise<Identity> {
  if (process.getuid?.() !== 0) return { prefix: [] }
  const owner = await stat(cluster).catch(() => null)
  if (owner !== null && owner.uid !== 0) return { prefix: [], uid: owner.uid, gid: owner.gid }
  if (await works(UNSHARE)) return { prefix: UNSHARE }
  return unprivilegedAccount()
}

async function unprivilegedAccount(): Promise<Identity> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map(line => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const entry = lines.find(fields => fields[0] === name)
    if (entry !== undefined) return { prefix: [], uid: Number(entry[2]), gid: Number(entry[3]) }
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no account "postgres" or "nobody" to run it as. Start Mooring as another ' +
      'account, or set DATABASE_URL to a PostgreSQL of your own.',
  )
}

/** A command prefix that stops a program when the process that started it dies; empty where the system lacks it. */
export async function tether(): Promise<readonly string[]> {
  const prefix = ['setpriv', '--pdeathsig', 'INT']
  return process.platform === 'linux' && (await works(prefix)) ? prefix : []
}

async function works(prefix: readonly string[]): Promise<boolean> {
  return (await run([...prefix, 'true'])) !== null
}

/** Runs a program to its end and returns its output; null if it failed or does not exist. */
function run([program = '', ...args]: readonly string[]): Promise<string | null> {
  return new Promise(resolve => {
    execFile(program, args, { env: { ...BARE_ENV } }, (error, printed) => resolve(error === null ? printed : null))
  })
}

/** A program to start. */
export interface Launch {
  readonly identity: Identity
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The descriptor for standard error, or a pipe to read it from. */
  readonly stderr: number | 'pipe'
}

/**
 * Starts a program in its own process group, so that the terminal's Ctrl-C does not stop a database while requests are
 * still being answered.
 */
export function launch({ identity, program, args, env, stderr }: Launch): ChildProcess {
  const [first = program, ...rest] = [...identity.prefix, program, ...args]
  const account = identity.uid === undefined ? {} : { uid: identity.uid, gid: identity.gid ?? identity.uid }
  // Windows programs need variables such as SystemRoot, so there they inherit our environment.
  const environment = process.platform === 'win32' ? {} : { env: { ...BARE_ENV, ...env } }
  return spawn(first, rest, { ...account, ...environment, detached: true, stdio: ['ignore', 'ignore', stderr] })
}
