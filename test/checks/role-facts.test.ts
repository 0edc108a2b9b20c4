/**
 * A server's answer about a role is a stranger's text: read whole or not at all, bounded, and without the password that
 * the server received.
 */
import { describe, expect, it } from 'vitest'
import type { RoleFacts } from '#server/domain/checks/probe.ts'
import { parseRoleFacts, readRoleFacts } from '#server/net/role/role-facts.ts'
import { GLANCE_ROWS, GLANCE_SQL, PARAMETER_FACTS_SQL, ROLE_FACTS_SQL } from '#server/net/role/role-facts-sql.ts'
import { fc } from '#test/support/house/properties.ts'

const ANSWER = {
  version: '140012',
  session: 'app',
  current: 'app',
  roles: [
    ['app', false, false, false, false, false],
    ['dba', true, true, true, true, true],
  ] as unknown[],
  owned: 2,
  unforced: 1,
  unforced_tables: [['s"', 't']] as unknown[],
  views: 3,
  functions: 4,
  file_functions: ['lo_export'] as unknown[],
}
const GLANCE = ['140012', 'app', 't', 'f', 'f', 'f', 'f', 'f', 'f']
/** Of another role that the login is a member of. */
const MORE = ['140012', 'app', 'f', 'f', 'f', 'f', 'f', 'f', 't']

const parsed = (change: Record<string, unknown>, secret?: string): RoleFacts | null =>
  parseRoleFacts(JSON.stringify({ ...ANSWER, ...change }), null, secret)

/**
 * A server that returns these rows for the quick query and the listed text for each other statement, and records its
 * statements.
 */
function answering(glance: string[][], texts: Record<string, string> = {}) {
  const asked: string[] = []
  const ask = async (sql: string) => {
    asked.push(sql)
    return sql === GLANCE_SQL ? glance : [[texts[sql] ?? null]]
  }
  return { ask, asked }
}

describe('an answer', () => {
  it('is read whole', () => {
    expect(parsed({})).toMatchObject({
      serverVersionNum: 140_012,
      superuser: false,
      superuserVia: ['dba'],
      replicationVia: ['dba'],
      tables: { owned: 2, ownedRlsNotForced: 1 },
      ownerBypassTables: ['"s"""."t"'],
      serverFileFunctions: ['lo_export'],
    })
  })

  it.each<[string, Record<string, unknown>]>([
    ['a field too many', { extra: 1 }],
    ['a field too few', { owned: undefined }],
    ['a version that is none', { version: '14.2' }],
    ['a number for a truth', { roles: [['app', 0, false, false, false, false]] }],
    ['no row of the login itself', { roles: [['dba', true, false, false, false, false]] }],
    [
      'a hundred and one roles',
      { roles: Array.from({ length: 101 }, () => ['app', false, false, false, false, false]) },
    ],
    ['twenty-one tables', { unforced_tables: Array.from({ length: 21 }, () => ['s', 't']) }],
    ['more unforced tables than tables', { owned: 0 }],
    ['a negative count', { views: -1 }],
    ['a count without end', { views: 1e300 }],
    ['an empty name', { session: '' }],
    ['a name of 64 bytes', { current: 'é'.repeat(32) }],
    ['a function that is no name', { file_functions: ['x; drop table t'] }],
  ])('with %s is refused', (_, change) => expect(parsed(change)).toBeNull())

  it('that is not JSON, or larger than 64 KiB, or lacks the parameters of its version, is refused', () => {
    expect(parseRoleFacts('', null)).toBeNull()
    expect(parseRoleFacts('{', null)).toBeNull()
    expect(parseRoleFacts('[]', null)).toBeNull()
    expect(parseRoleFacts(JSON.stringify(ANSWER) + ' '.repeat(65_536), null)).toBeNull()
    const since15 = JSON.stringify({ ...ANSWER, version: '150001' })
    expect(parseRoleFacts(since15, null)).toBeNull()
    expect(parseRoleFacts(since15, '["a; drop table t"]')).toBeNull()
    expect(parseRoleFacts(since15, '["auto_explain.log_level"]')?.settableParameters).toEqual([
      'auto_explain.log_level',
    ])
  })

  it('is never misread, whatever it holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.option(fc.json()), (text, parameters) => {
        expect(parseRoleFacts(text, parameters)).toBeNull()
      }),
    )
  })
})

describe('the password', () => {
  const secret = 'hunter2&co'
  it.each([
    ['as it is', secret],
    ['in capitals', 'x-HUNTER2&CO-x'],
    ['percent-encoded', `x${encodeURIComponent(secret)}`],
    ['in base64', Buffer.from(secret).toString('base64')],
    ['in hex', Buffer.from(secret).toString('hex')],
  ])('is withheld from names that hold it %s', (_, name) => {
    const facts = parsed(
      { roles: [...ANSWER.roles, [name, true, false, false, false, false]], unforced_tables: [[name, 't']] },
      secret,
    )
    expect(facts?.superuserVia).toEqual(['dba', '…'])
    expect(facts?.ownerBypassTables).toEqual([])
    expect(facts?.tables.ownedRlsNotForced).toBe(1)
  })

  it('is not searched for when it is so short that names hold it by chance', () => {
    expect(parsed({}, 'a')?.superuserVia).toEqual(['dba'])
  })
})

it('withholds names that a screen would not show as they are', () => {
  for (const name of ['a\nb', '\u001b[31m', 'x\u202ey', '\u2028']) {
    expect(parsed({ roles: [...ANSWER.roles, [name, true, false, false, false, false]] })?.superuserVia).toEqual([
      'dba',
      '…',
    ])
  }
})

describe('asking', () => {
  it('takes one round trip for an unprivileged role', async () => {
    const privileged = ['140012', 'app', 'f', 't', 'f', 'f', 'f', 'f', 'f']
    const { ask, asked } = answering([privileged, ['140012', 'app', 't', 'f', 't', 'f', 'f', 'f', 'f']])
    expect(await readRoleFacts(ask)).toMatchObject({ bypassRls: true, superuser: false, tables: { owned: 0 } })
    expect(asked).toEqual([GLANCE_SQL])
  })

  it.each([
    ['says that there is more', [GLANCE, MORE]],
    ['was cut', Array.from({ length: GLANCE_ROWS }, () => GLANCE)],
    ['does not have the login', [MORE.with(8, 'f')]],
  ])('takes the full statements when the quick query %s', async (_, glance) => {
    const old = answering(glance, { [ROLE_FACTS_SQL]: JSON.stringify(ANSWER) })
    expect((await readRoleFacts(old.ask))?.superuserVia).toEqual(['dba'])
    expect(old.asked).toEqual([GLANCE_SQL, ROLE_FACTS_SQL])

    const since15 = answering(
      glance.map(row => row.with(0, '180001')),
      {
        [ROLE_FACTS_SQL]: JSON.stringify({ ...ANSWER, version: '180001' }),
        [PARAMETER_FACTS_SQL]: '["session_preload_libraries"]',
      },
    )
    expect((await readRoleFacts(since15.ask))?.settableParameters).toEqual(['session_preload_libraries'])
  })

  it('returns nothing for no row, too many rows, too few or too many columns, null or another shape', async () => {
    const tooMany = Array.from({ length: GLANCE_ROWS + 1 }, () => GLANCE)
    const shapes = [[], tooMany, [GLANCE.slice(1)], [[...GLANCE, 't']], [[null]], [[]], [['{}']], [GLANCE.with(3, 'x')]]
    for (const rows of shapes) expect(await readRoleFacts(async () => rows)).toBeNull()
    expect(await readRoleFacts(answering([MORE]).ask)).toBeNull()
  })
})
