/**
 * Creates Mooring's own database in an embedded server.
 * Called only in local mode.
 */
import pg from 'pg'

/**
 * Creates the database if it does not exist and returns its connection string. `name` is a plain identifier of our own.
 */
export async function createDatabase(adminUrl: string, name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: adminUrl })
  // The running query rejects anyway. Without a listener, pg's 'error' event would end the process first.
  admin.on('error', () => undefined)
  await admin.connect()
  try {
    const found = await admin.query('select datname from pg_database where datname = $1', [name])
    if (found.rowCount === 0) await admin.query(`create database ${name}`)
  } catch (error) {
    // Of two concurrent starts, the other one has created it.
    if (!(error instanceof pg.DatabaseError) || error.code !== '42P04') throw error
  } finally {
    await admin.end()
  }
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  // On loopback, to a server that nobody else can start, TLS adds nothing.
  url.searchParams.set('sslmode', 'disable')
  return url.href
}
