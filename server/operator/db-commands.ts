/**
 * Commands on the database itself: the grants of the web's and the worker's role.
 * Part of the table in `commands.ts`.
 */
import { applyGrants, canReadSecrets, grantStatements } from '#server/store/grants.ts'
import { type Command, required } from './command.ts'

/** `db grant`. */
export const dbCommands: readonly Command[] = [
  {
    words: ['db', 'grant'],
    synopsis: 'db grant --web ROLE --worker ROLE [--apply]',
    about: 'prints the grants of both roles, or gives them exactly these; run it again after each migrate',
    async run(context, args) {
      const roles = { web: required(args, 'web'), worker: required(args, 'worker') }
      const statements = grantStatements(roles)
      if (args.options['apply'] !== true) {
        for (const statement of statements) context.print(`${statement};`)
        return 0
      }
      const db = await context.openDb()
      await applyGrants(db, statements)
      // Grants cannot take away what a role has by another way.
      if (await canReadSecrets(db, roles.web)) {
        const why = 'it is a superuser, owns the tables, or is a member of a role that can'
        throw new Error(`The web role can read sealed bytes all the same: ${why}.`)
      }
      context.complain('granted')
      return 0
    },
  },
]
