/**
 * Where a process gets its keyring: from a private file, or from a command, such as a KMS's or a vault's. Never from the
 * environment's values, and never into a log. Read at start and again on SIGHUP.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseWebKeyring, parseWorkerKeyring, type WebKeyring, type WorkerKeyring } from '#server/seal/keyring.ts'
import { readWebKeyring, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import type { Config } from './config.ts'
import type { Log } from './log.ts'

const COMMAND_MS = 10_000
const MAX_BYTES = 65_536

type Place = Pick<Config, 'keyring' | 'keyringCommand'>

/** The web tier's keyring; `isDir` when the path names the folder of both. Throws a sentence, never a part of a keyring. */
export async function webKeyring(config: Place, isDir: boolean): Promise<WebKeyring> {
  const { keyring, keyringCommand } = config
  if (keyringCommand !== null) return parseWebKeyring(await ask(keyringCommand, 'web'))
  return readWebKeyring(isDir ? join(keyring, 'web.json') : keyring)
}

/** The worker's keyring, likewise. */
export async function workerKeyring(config: Place, isDir: boolean): Promise<WorkerKeyring> {
  const { keyring, keyringCommand } = config
  if (keyringCommand !== null) return parseWorkerKeyring(await ask(keyringCommand, 'worker'))
  return readWorkerKeyring(isDir ? join(keyring, 'worker.json') : keyring)
}

/** Runs the command in a shell, the role as its `$1`; what it prints is the keyring. */
async function ask(command: string, role: 'web' | 'worker'): Promise<string> {
  const options = { timeout: COMMAND_MS, maxBuffer: MAX_BYTES, encoding: 'utf8' as const }
  try {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command, 'mooring-keyring', role], options)
    return stdout
  } catch {
    // The error holds what the command printed so far, which may be half a keyring.
    throw new Error(`MOORING_KEYRING_COMMAND failed, or took longer than ${COMMAND_MS / 1000} s, for the role ${role}.`)
  }
}

/** Reads keyrings again on SIGHUP. One that cannot be read changes nothing: the old one goes on, and the log says so. */
export function onHangup(log: Log, reload: () => Promise<void>): Disposable {
  const listener = () => {
    reload().then(
      () => log.info('keyring read again'),
      (cause: unknown) => log.error({ cause }, 'the keyring could not be read again; the old one stays'),
    )
  }
  process.on('SIGHUP', listener)
  return { [Symbol.dispose]: () => void process.off('SIGHUP', listener) }
}
