/**
 * Loads a file for psql into a database of a throwaway server, statement by statement, in one session; creates the
 * missing roles that it names, and reports what it did not load.
 */
import pg from 'pg'
import { type PsqlFile, psqlFile, type Statement } from './psql-file.ts'

/** The parts of a file that were not loaded unchanged. */
export interface Loaded {
  /** Statements that the server refused, with its message. */
  readonly refused: readonly { readonly line: number; readonly message: string }[]
  /** Commands of psql, rows, and statements about whole databases. */
  readonly passedOver: PsqlFile['passedOver']
  /** Roles that the file names but does not create. */
  readonly roles: readonly string[]
}

/** The database of the check replaces all others. */
const WHOLE_DATABASE =
  /^(?:create|drop|alter|comment\s+on)\s+(?:database|tablespace)\b|^alter\s+system\b|^(?:grant|revoke)\b[^;]*\son\s+database\b/i
const BEGIN = /^(?:begin|start\s+transaction)\b(?!\s*atomic)/i
const END = /^(?:commit|end|rollback|abort)\b(?!\s+(?:to|prepared)\b)/i
const NO_ROLE = /^role "(.+)" does not exist$/
const UNDEFINED_OBJECT = '42704'
const MAX_ROLES = 100

/** Loads the text of a file. */
export async function loadFile(url: string, text: string): Promise<Loaded> {
  const { statements, passedOver } = psqlFile(text)
  const wholes = statements.filter(({ sql }) => WHOLE_DATABASE.test(sql))
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const session = { client, isOpen: false, roles: new Set<string>() }
    const refused: { line: number; message: string }[] = []
    for (const statement of statements) {
      if (wholes.includes(statement)) continue
      const message = await run(session, statement)
      if (message !== null) refused.push({ line: statement.line, message })
    }
    const others = wholes.map(({ line, sql }) => ({ line, what: sql.split(/\s+/).slice(0, 3).join(' ') }))
    return {
      refused,
      passedOver: [...passedOver, ...others].sort((a, b) => a.line - b.line),
      roles: [...session.roles],
    }
  } finally {
    await client.end()
  }
}

interface Session {
  readonly client: pg.Client
  /** True inside a transaction of the file. */
  isOpen: boolean
  readonly roles: Set<string>
}

/** Runs a statement; returns the server's message if it is refused. Earlier statements of a transaction are kept. */
async function run(session: Session, { sql }: Statement): Promise<string | null> {
  const { client } = session
  if (END.test(sql)) session.isOpen = false
  const isInside = session.isOpen
  if (isInside) await client.query('savepoint schema_check')
  for (let left = MAX_ROLES; ; left -= 1) {
    try {
      await client.query(sql)
      if (BEGIN.test(sql)) session.isOpen = true
      return null
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error
      if (isInside) await client.query('rollback to savepoint schema_check')
      const role = error.code === UNDEFINED_OBJECT ? NO_ROLE.exec(error.message)?.[1] : undefined
      if (role === undefined || session.roles.has(role) || left === 0) return error.message
      session.roles.add(role)
      await makeRole(client, role)
    }
  }
}

/** The session may have switched to another role. */
async function makeRole(client: pg.Client, role: string): Promise<void> {
  const { rows } = await client.query<{ current: string }>('select current_user as current')
  await client.query(`reset role; create role ${pg.escapeIdentifier(role)}`)
  await client.query(`set role ${pg.escapeIdentifier(rows[0]?.current ?? 'none')}`)
}
