/**
 * The URL of our own database from the environment: in a variable, or in the file named by the variable with `_FILE`,
 * as containers and services receive secrets. Never repeats a value. `config.ts` calls it.
 */
import { readFileSync } from 'node:fs'
import { DatabaseUrlError, parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import { wrongFile } from '#server/settings/wrong-value.ts'
import { ConfigError, read } from './env.ts'

const MAX_BYTES = 65_536
const DATABASE = 'a connection string that begins with postgres:// and names a host and a database'
const FILE = 'the path of a file with one line that this process can read'
/** Each variable, and the one that names a file instead. */
const FILES = {
  DATABASE_URL: 'DATABASE_URL_FILE',
  MOORING_LISTEN_URL: 'MOORING_LISTEN_URL_FILE',
  MOORING_MOVE_TO: 'MOORING_MOVE_TO_FILE',
} as const

/**
 * The URL; null if not set. It is parsed here only to report errors early: the code that opens it parses it again, with
 * its files. Throws `ConfigError`, which names the variable and the parameter.
 */
export function ownUrl(env: NodeJS.ProcessEnv, variable: keyof typeof FILES): string | null {
  const value = read(env, variable, DATABASE)
  const file = read(env, FILES[variable], FILE)
  if (value !== null && file !== null) throw new ConfigError(FILES[variable], `unset where ${variable} is set`)
  const url = file === null ? value : lineOf(file, FILES[variable])
  try {
    if (url !== null) parseDatabaseUrl(url)
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error
    if (error.parameter !== null) throw new ConfigError(`${variable}: ${error.parameter}`, error.must)
    throw new ConfigError(variable, error.must, 'its value is none')
  }
  return url
}

/** The single line of a file, without an editor's trailing line break. */
function lineOf(file: string, variable: string): string {
  try {
    const line = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (line !== '' && line.length <= MAX_BYTES && !/[\r\n]/.test(line)) return line
  } catch (error) {
    // The cause names the path, which may be a secret that was passed in place of one.
    throw new ConfigError(variable, FILE, wrongFile(error))
  }
  throw new ConfigError(variable, FILE, 'that file is empty, or has more than one line')
}
