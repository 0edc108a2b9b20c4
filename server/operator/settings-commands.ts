/**
 * The operator's commands for an organization's settings, and the SQL of a least-privileged role. Each change is
 * recorded as the operator's.
 */

import { PROVIDERS } from '#server/domain/checks/provider.ts'
import { roleSql } from '#server/domain/checks/role/role-sql.ts'
import * as audit from '#server/store/access/audit.ts'
import * as schedule from '#server/store/datasources/schedule.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import { type Arguments, type Command, ORG_OPTION, option, organizationOf, required } from './command.ts'
import { writing } from './writing.ts'

const POLICIES = ['strict', 'enforce', 'warn', 'off'] as const
/** After a change of policy, every database is judged by the new policy within this time. */
const JUDGED_ANEW_SECONDS = 3600

function rolePolicy(args: Arguments) {
  const given = option(args, 'role-policy')
  const policy = POLICIES.find(candidate => candidate === given)
  if (given !== undefined && policy === undefined) throw new Error(`--role-policy must be ${POLICIES.join(', ')}.`)
  return policy
}

/** The seconds between two checks; `default` restores the installation's interval. */
function checkInterval(args: Arguments): number | null | undefined {
  const given = option(args, 'check-interval')
  if (given === undefined || given === 'default') return given === undefined ? undefined : null
  const seconds = Number(given)
  if (!Number.isInteger(seconds) || seconds < 60 || seconds > 2_592_000) {
    throw new Error('--check-interval must be default or 60 to 2592000 seconds.')
  }
  return seconds
}

/** The commands. */
export const settingsCommands: readonly Command[] = [
  {
    words: ['org', 'set'],
    options: [
      ORG_OPTION,
      { name: 'role-policy', choices: POLICIES, about: 'what happens to a role that can do too much' },
      { name: 'check-interval', value: 'SECONDS|default', about: 'the interval between checks: 60 to 2592000' },
    ],
    about: "changes an organization's settings",
    async run(context, args) {
      const [policy, seconds] = [rolePolicy(args), checkInterval(args)]
      const db = await context.openDb()
      const org = await organizationOf(db, args)
      const about = { action: 'organization.configured', objectKind: 'organization', objectId: org }
      await writing({ db, now: context.now }, org, async unit => {
        await organizations.configure(unit, {
          ...(policy === undefined ? {} : { rolePolicy: policy }),
          ...(seconds === undefined ? {} : { checkIntervalSeconds: seconds }),
        })
        const within = [...(seconds ? [seconds] : []), ...(policy === undefined ? [] : [JUDGED_ANEW_SECONDS])]
        if (within.length > 0) await schedule.bringForward(unit, Math.min(...within))
        await audit.append(unit, about)
      })
      context.complain('set')
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
