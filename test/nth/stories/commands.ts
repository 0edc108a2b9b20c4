/**
 * A successful story for each operator's command; `nth-stories.test.ts` fails for a command that is neither here nor in
 * the list of commands without one.
 */
import type { CommandStory } from '#test/support/nth/command-story.ts'

const ANOTHER = 'the first rotation was complete, and nothing shows that to a repeat: it begins another one'

/** The first run announces a rotation, and the second performs it. */
const rotation = (kind: string, needsWorker = false): CommandStory => ({
  name: `keyring rotate-${kind}`,
  isDone: ({ status, complained }) => status === 0 && !complained.includes('Announced.'),
  needsWorker,
  mayRunTwice: ANOTHER,
})

const UNTOLD = 'the first try may have made one whose id nobody received: `keys list` and `lease list` show it'

/** The stories. */
export const COMMANDS: readonly CommandStory[] = [
  {
    name: 'keys create',
    given: () => [{ mode: 'live' }],
    mayHaveMore: { tables: ['api_keys', 'tokens'], reason: UNTOLD },
  },
  { name: 'keys list' },
  { name: 'keys revoke', given: ({ key }) => [key, { children: 'revoke', force: true }] },
  {
    name: 'org create',
    given: () => [{ name: 'Second' }],
    mayHaveMore: { tables: ['organizations', 'organization_keys', 'change_heads'], reason: UNTOLD },
  },
  { name: 'org set', given: () => [{ 'role-policy': 'warn', 'check-interval': '3600' }] },
  {
    name: 'org remove',
    given: ({ organization }) => [organization, { yes: true }],
    repeated: /There is no organization with that id/,
  },
  { name: 'datasources list' },
  {
    name: 'capability create',
    given: () => [{ lease: true, ttl: '1h', mode: 'live' }],
    mayHaveMore: { tables: ['capabilities', 'tokens', 'lease_grants'], reason: UNTOLD },
  },
  { name: 'lease list' },
  { name: 'lease revoke', given: ({ lease }) => [lease], repeated: /There is no live lease with that id/ },
  { name: 'db grant', given: ({ roles }) => [{ ...roles, apply: true }] },
  { name: 'db restored' },
  { name: 'migrate', from: 'behind' },
  rotation('master'),
  rotation('signing'),
  rotation('pepper'),
  rotation('fingerprint'),
  rotation('lease'),
  {
    name: 'keyring rotate-org',
    given: ({ organization }) => [organization],
    needsWorker: true,
    mayRunTwice: ANOTHER,
  },
  { name: 'keyring reseal', needsWorker: true },
  { name: 'keyring retire' },
]

/** Commands that have no effect on a database, or have a test of their own. */
export const WITHOUT: Readonly<Record<string, string>> = {
  status: 'reads',
  'keyring init': 'writes two files and asks no database',
  'keyring upgrade': 'writes files and asks no database',
  'lease-key show': 'reads a keyring',
  'role-sql': 'prints',
  'org move': 'is killed at each step in test/moves/killed.test.ts',
}
