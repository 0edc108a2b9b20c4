/**
 * The operator's commands about customers' databases: the list of datasources, and the SQL of a least-privileged role.
 * They change nothing.
 */
import { JSON_OPTION } from '#client/cli/described.ts'
import { PROVIDERS } from '#server/domain/checks/provider.ts'
import { roleSql } from '#server/domain/checks/role/role-sql.ts'
import { listDatasources } from '#server/store/datasources/datasource-list.ts'
import { datasourceId, displayName } from '#shared/base/datasource-name.ts'
import { printableRow } from '#shared/base/printable.ts'
import { type Command, ORG_OPTION, option, organizationOf, printList, required } from './command.ts'

/** The commands `datasources list`, `role-sql`. */
export const datasourceCommands: readonly Command[] = [
  {
    words: ['datasources', 'list'],
    options: [ORG_OPTION, JSON_OPTION],
    about: 'lists datasources',
    async run(context, args) {
      const db = await context.openDb()
      const rows = await listDatasources(db, await organizationOf(db, args), { limit: null })
      const items = rows.map(row => ({
        id: datasourceId(row),
        mode: row.mode,
        status: row.status,
        statusReason: row.status_reason,
        displayName: displayName(row),
      }))
      printList(context, args, {
        items,
        line: one => printableRow([one.id, one.mode, one.status, one.statusReason ?? '', one.displayName]),
      })
      return 0
    },
  },
  {
    words: ['role-sql'],
    options: [
      { name: 'schema', value: 'SCHEMA', isRequired: true, about: 'the schema to grant' },
      {
        name: 'database',
        value: 'NAME',
        about: 'the database of the grants; default: the one in which the SQL is run',
      },
      { name: 'role', value: 'NAME', about: 'the name of the role; default: derived from the database' },
      { name: 'provider', choices: PROVIDERS, about: 'where the database runs; default: plain' },
      { name: 'read-only', about: 'the role can only read' },
    ],
    about: 'prints the SQL of a role that passes every check',
    async run(context, args) {
      const provider = PROVIDERS.find(candidate => candidate === (option(args, 'provider') ?? 'plain'))
      if (provider === undefined) throw new Error(`--provider must be one of ${PROVIDERS.join(', ')}.`)
      const readOnly = args.options['read-only'] === true
      const named = { database: option(args, 'database'), role: option(args, 'role') }
      context.print(roleSql({ schema: required(args, 'schema'), ...named, provider, readOnly }).trimEnd())
      return 0
    },
  },
]
