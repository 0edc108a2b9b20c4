/**
 * PostgreSQL 15 as packaged by Debian, for tests of our own database on another build. Only its programs are used,
 * never Debian's own cluster: in a temporary folder, as an account without privileges.
 */
import { existsSync } from 'node:fs'
import type { Binaries } from '#server/standalone/embedded/binaries.ts'

const ROOT = '/usr/lib/postgresql/15'

/** The programs; null if they are not installed. */
export function debianPostgres(): Binaries | null {
  const program = (name: string) => `${ROOT}/bin/${name}`
  if (!existsSync(program('initdb'))) return null
  return { major: 15, version: '15', initdb: program('initdb'), postgres: program('postgres'), root: ROOT }
}

/**
 * Reports once, on standard error, that part of a test does not run here; CI installs the programs, so that it fails
 * there.
 */
export function isLeftOut(what: string, isThere: boolean): boolean {
  if (isThere || process.env['CI'] === 'true') return false
  process.stderr.write(`${what} is not installed: its part of this test does not run\n`)
  return true
}
