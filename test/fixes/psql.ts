/**
 * Runs SQL as a person would paste it: with psql,
 * statement by statement, stopping at the first error.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/**
 * Runs SQL as the user of a connection string. Returns the output of psql, one row per line; throws its error messages.
 */
export async function paste(url: string, database: string, sql: string): Promise<string> {
  const { hostname, port, username, password } = new URL(url)
  const where = ['-h', hostname, '-p', port, '-U', decodeURIComponent(username), '-d', database]
  const child = spawn('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-f', '-', ...where], {
    env: { PATH: process.env['PATH'], PGPASSWORD: decodeURIComponent(password), PGCLIENTENCODING: 'UTF8', LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  const printed = Promise.all([text(child.stdout), text(child.stderr)])
  child.stdin.on('error', () => undefined)
  child.stdin.end(sql)
  const [output, complained] = await printed
  const [status] = await closed
  if (status !== 0) throw new Error(`psql does not take the fix: ${complained.trim()}\n${sql}`)
  return output
}
