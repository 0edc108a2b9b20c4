/**
 * Roles with one defect each, in addition to the sample database's reader, and their `pg_hba.conf` lines. They must
 * only be created in the server of a throw-away installation: one is a superuser, another needs no password. Called by
 * `throwaway.ts`; `test-databases.ts` has their connection strings.
 */
import pg from 'pg'

/** The defect of each role. Otherwise each has the reader's password and privileges. */
const ROLES = {
  sample_superuser: 'login superuser',
  sample_bypassrls: 'login bypassrls',
  sample_replication: 'login replication',
  sample_superusers: 'login in role sample_superuser',
  sample_programs: 'login in role pg_execute_server_program',
  sample_expired: "login valid until '2020-01-01'",
  sample_nologin: 'nologin',
  sample_limited: 'login connection limit 0',
  sample_trusted: 'login',
  sample_clear: 'login',
  sample_rejected: 'login',
} as const

/** The name of such a role. */
export type TestRole = keyof typeof ROLES

/** Lines of `pg_hba.conf`. All of loopback is admitted: some of the strings lead to another address of this machine. */
export const TEST_HBA = `host all sample_trusted 127.0.0.0/8 trust
host all sample_clear 127.0.0.0/8 password
host all sample_rejected 127.0.0.0/8 reject
host all all 127.0.0.0/8 scram-sha-256`

/** The sources of the roles, for the name of a template. */
export const TEST_ROLES = JSON.stringify(ROLES)

/** Creates the roles. `url` is the superuser's, `sample` the reader's. */
export async function makeTestRoles(url: string, demoDatabase: string): Promise<void> {
  const { username, password, pathname } = new URL(demoDatabase)
  // None of these characters needs quoting.
  const made = Object.entries(ROLES).map(
    ([role, attributes]) => `create role ${role} ${attributes} password '${password}'; grant ${username} to ${role}`,
  )
  const granted = `grant connect on database ${pathname.slice(1)} to ${Object.keys(ROLES).join(', ')}`
  await run(url, [...made, granted])
}

/** Drops the database from which no other is created here: it is a sixth of the data copied for each start. */
export async function dropUnused(url: string): Promise<void> {
  await run(url, ['alter database template0 is_template false', 'drop database template0'])
}

async function run(url: string, statements: readonly string[]): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  // The running query rejects anyway. Without a listener, pg's 'error' event would end the process first.
  admin.on('error', () => undefined)
  await admin.connect()
  try {
    for (const statement of statements) await admin.query(statement)
  } finally {
    await admin.end()
  }
}
