/**
 * Commands on Mooring's own database: its migrations, the privileges of the web's and the worker's role, a restore. Part
 * of the table in `commands.ts`.
 */
import { codeOf } from '#server/store/connection/availability.ts'
import { aboutDatabase } from '#server/store/connection/database-trouble.ts'
import {
  applyGrants,
  canReadSecrets,
  deadlineStatements,
  grantStatements,
  privilegeStatements,
  type Roles,
} from '#server/store/installation/grants.ts'
import { isReported, readOrigin, restored } from '#server/store/installation/installation.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { type Command, required } from './command.ts'

const RECOGNISED =
  'This role can identify another server by itself. So can each web process whose role may read the same; otherwise it logs a warning.'
const UNRECOGNISED =
  'This role may not read both pg_control_system() and the timeline: run this command after each restore, copy or failover.'

/** The commands `migrate`, `db grant`, `db restored`. */
export const databaseCommands: readonly Command[] = [
  {
    words: ['migrate'],
    about: 'brings the database up to date',
    async run(context) {
      const url = await context.url()
      const applied = await aboutDatabase('DATABASE_URL', () => migrate(url))
      context.complain(applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`)
      return 0
    },
  },
  {
    words: ['db', 'grant'],
    options: [
      { name: 'web', value: 'ROLE', isRequired: true, about: "the web processes' role" },
      { name: 'worker', value: 'ROLE', isRequired: true, about: "the workers' role, a different one" },
      { name: 'apply', about: 'executes the statements instead of printing them' },
    ],
    about: 'prints the grants and deadlines of both roles, or sets exactly these; run it again after each migrate',
    async run(context, args) {
      const roles = { web: required(args, 'web'), worker: required(args, 'worker') }
      if (args.options['apply'] !== true) {
        // One line each: people pipe them into `psql`, and programs read them one by one.
        for (const statement of grantStatements(roles))
          context.print(
            `${statement
              .split('\n')
              .map(line => line.trim())
              .join(' ')};`,
          )
        return 0
      }
      const db = await context.openDb()
      await applyGrants(db, privilegeStatements(roles))
      // Grants cannot remove privileges that a role has in some other way.
      if (await canReadSecrets(db, roles.web)) {
        const why = 'it is a superuser, owns the tables, or is a member of a role that can'
        throw new Error(`The web role can read sealed bytes all the same: ${why}.`)
      }
      await setDeadlines(db, roles)
      context.complain('granted')
      return 0
    },
  },
  {
    words: ['db', 'restored'],
    about: 'makes every subscriber list again; run it after a restore or a copy if the server cannot be identified',
    async run(context) {
      const db = await context.openDb()
      const here = await readOrigin(db)
      const count = await restored(db, here)
      context.complain(`subscribers of ${count} ${count === 1 ? 'organization' : 'organizations'} must list again`)
      context.complain(isReported(here) ? RECOGNISED : UNRECOGNISED)
      return 0
    },
  },
]

const INSUFFICIENT_PRIVILEGE = '42501'

/** The privileges stay even if setting the deadlines fails: the tables' owner may not be allowed to alter roles. */
async function setDeadlines(db: Db, roles: Roles): Promise<void> {
  const statements = deadlineStatements(roles)
  try {
    await applyGrants(db, statements)
  } catch (error) {
    if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
    throw new Error(
      `Granted, but the role of DATABASE_URL may not alter these roles. Have one that may set their deadlines, in this database:\n${statements.map(statement => `${statement};`).join('\n')}`,
    )
  }
}
