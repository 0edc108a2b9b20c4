/**
 * The source of a process's keyring: a private file, or a command such as a KMS's or a vault's. Never an environment
 * variable's value, and never logged. Read at startup and again on SIGHUP.
 */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Config } from '#server/config.ts'
import { ConfigError } from '#server/env.ts'
import type { Log } from '#server/log.ts'
import {
  FormerKeyring,
  parseWebKeyring,
  parseWorkerKeyring,
  type WebKeyring,
  type WorkerKeyring,
} from '#server/seal/keyring.ts'
import { readWebKeyring, readWorkerKeyring } from '#server/seal/keyring-file.ts'

const COMMAND_MS = 10_000
const MAX_BYTES = 65_536

type Place = Pick<Config, 'keyring' | 'keyringCommand'>

/**
 * The web tier's keyring; `isDir` if the path names the folder of both. A command that takes longer than `limitMs` is
 * killed. Throws a sentence that never contains a part of a keyring.
 */
export async function webKeyring(config: Place, isDir: boolean, limitMs = COMMAND_MS): Promise<WebKeyring> {
  const { keyringCommand } = config
  if (keyringCommand !== null) return fromCommand(parseWebKeyring, await ask(keyringCommand, 'web', limitMs))
  return fromFile(readWebKeyring(await fileOf('web', config.keyring, isDir)))
}

/** The worker's keyring; behaves the same. */
export async function workerKeyring(config: Place, isDir: boolean, limitMs = COMMAND_MS): Promise<WorkerKeyring> {
  const { keyringCommand } = config
  if (keyringCommand !== null) return fromCommand(parseWorkerKeyring, await ask(keyringCommand, 'worker', limitMs))
  return fromFile(readWorkerKeyring(await fileOf('worker', config.keyring, isDir)))
}

/** Parses the output of a command. The operator must convert a keyring that `keyring upgrade` cannot write. */
function fromCommand<T>(parse: (text: string) => T, text: string): T {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof FormerKeyring)) throw error
    throw new Error(
      'The keyring that MOORING_KEYRING_COMMAND prints was written by an earlier release. Put both files into a folder, run ' +
        '`npm run -s mooring -- keyring upgrade` with MOORING_KEYRING=DIR and without the command, and put the files back.',
    )
  }
}

/** Adds the name of the setting that locates the file to the sentence about it. */
function fromFile<T>(reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    if (!(error instanceof Error) || error instanceof FormerKeyring) throw error
    throw new Error(`MOORING_KEYRING: ${error.message}`, { cause: error })
  })
}

/** The role's file. Throws `ConfigError` for a folder if a file is expected, and for a file instead of a folder. */
async function fileOf(role: 'web' | 'worker', keyring: string, isDir: boolean): Promise<string> {
  // For a missing file, the reader's refusal names the command that creates it.
  const found = await stat(keyring).catch(() => null)
  const folder = 'the folder that keyring init made'
  if (!isDir && found?.isDirectory() === true)
    throw new ConfigError('MOORING_KEYRING', `the file ${role}.json in ${folder}, not a folder`)
  if (isDir && found?.isFile() === true)
    throw new ConfigError('MOORING_KEYRING', `${folder}, with both keyrings, not a file`)
  return isDir ? join(keyring, `${role}.json`) : keyring
}

/** Runs the command in a shell, with the role as its `$1`; its output is the keyring. */
async function ask(command: string, role: 'web' | 'worker', limitMs: number): Promise<string> {
  // SIGKILL: a command that ignores SIGTERM would keep the process from starting, and from saying why, forever.
  const options = { timeout: limitMs, killSignal: 'SIGKILL', maxBuffer: MAX_BYTES, encoding: 'utf8' } as const
  const remedy = `It is run with sh -c and ${role} as $1, and must print only that role's keyring, and exit with status 0.`
  // The discarded error contains the command's output so far, which may be half a keyring.
  const said = await promisify(execFile)('/bin/sh', ['-c', command, 'mooring-keyring', role], options).catch(() => null)
  if (said === null)
    throw new Error(`MOORING_KEYRING_COMMAND failed, or took longer than ${limitMs / 1000} s. ${remedy}`)
  if (said.stdout.trim() === '') throw new Error(`MOORING_KEYRING_COMMAND printed nothing. ${remedy}`)
  return said.stdout
}

/**
 * Reads keyrings again on SIGHUP, one reload after the other: a slow first one must not overwrite what the second has
 * read with an older keyring. If reading fails, the old keyring stays in use, and the log says why.
 */
export function onHangup(log: Log, reload: () => Promise<void>): Disposable {
  let last = Promise.resolve()
  const listener = () => {
    last = last.then(reload).then(
      () => log.info('keyring read again'),
      (cause: unknown) => {
        // Errors here are sentences with a remedy and never contain a part of a keyring: startup prints them, too.
        const message = cause instanceof Error ? cause.message : ''
        log.error(
          { stage: 'keyring', cause, reason: message },
          'the keyring could not be read again; the old one stays',
        )
      },
    )
  }
  process.on('SIGHUP', listener)
  return { [Symbol.dispose]: () => void process.off('SIGHUP', listener) }
}
