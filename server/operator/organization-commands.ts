/**
 * The operator's commands that create an organization and change its settings. Each change is recorded as the
 * operator's.
 */

import * as audit from '#server/store/access/audit.ts'
import * as schedule from '#server/store/datasources/schedule.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import { type Arguments, type Command, ORG_OPTION, operatorDeps, option, organizationOf, required } from './command.ts'
import { createOrganization } from './organizations.ts'
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

/** The commands `org create`, `org set`. */
export const organizationCommands: readonly Command[] = [
  {
    words: ['org', 'create'],
    options: [{ name: 'name', value: 'NAME', isRequired: true, about: '1 to 200 characters' }],
    about: 'creates an organization and prints its id',
    async run(context, args) {
      const name = required(args, 'name')
      if (name.length < 1 || name.length > 200) throw new Error('--name must have 1 to 200 characters.')
      context.print(await createOrganization(await operatorDeps(context), name))
      return 0
    },
  },
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
]
