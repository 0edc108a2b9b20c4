/**
 * An endpoint on Express that serves an outbox table in Postgres. It runs unchanged, with the signing key in a file and
 * the database in PGHOST, PGUSER, …: `node client/examples/express-outbox.ts signing-key.txt 8787`
 */
import { readFile } from 'node:fs/promises'
import express from 'express'
import pg from 'pg'
import { createListener, OUTBOX_SQL, outboxEvents } from '#client/endpoint.ts'

const [keyFile = 'signing-key.txt', port = '8787'] = process.argv.slice(2)
const signingKey = (await readFile(keyFile, 'utf8')).trim()
const pool = new pg.Pool()
const { rowCount } = await pool.query("select 1 where to_regclass('mooring_outbox') is null")
if (rowCount === 1) await pool.query(OUTBOX_SQL)

const app = express()
const events = outboxEvents((sql, values) => pool.query(sql, [...values]))
app.all(
  '/mooring',
  createListener({ signingKey, events, onError: error => process.stderr.write(`${String(error)}\n`) }),
)
// Register body parsers after the endpoint: the signature covers the exact bytes.
app.use(express.json())

const server = app.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ listening: server.address() })}\n`)
})
