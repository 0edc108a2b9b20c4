/**
 * A server's answer about a role is untrusted text: it is read completely or not at all, bounded, and without the
 * password that the server received.
 */
import { describe, expect, it } from 'vitest'
import type { RoleFacts } from '#server/domain/checks/probe.ts'
import { GLANCE_ROWS, GLANCE_SQL } from '#server/net/role/glance-sql.ts'
import { factStatements, parseRoleFacts, readRoleFacts } from '#server/net/role/role-facts.ts'
import { fc } from '#test/support/house/properties.ts'

const ANSWER = {
  version: '140012',
  session: 'app',
  current: 'app',
  roles: [
    ['app', false, false, false, false, false],
    ['dba', true, true, true, true, true],
  ] as unknown[],
  acting: [] as unknown[],
  owns_database: false,
  owned: 2,
  unforced: 1,
  unforced_tables: [['s"', 't']] as unknown[],
  file_functions: ['lo_export'] as unknown[],
}
const RELATIONS = {
  views: 3,
  view_names: [['app', 'v']] as unknown[],
  functions: 4,
  function_names: [] as unknown[],
  children: 0,
  child_names: [] as unknown[],
  parents: 0,
  parent_names: [] as unknown[],
  truncates: 0,
  triggers: 0,
  seized_names: [] as unknown[],
}
const CODE = { evented: 0, evented_names: [] as unknown[], called: 0, called_names: [] as unknown[] }
const SECRETS = { catalogs: [] as unknown[], functions: [] as unknown[], servers: [] as unknown[], mappings: 0 }
const GLANCE = ['140012', 'app', 't', 'f', 'f', 'f', 'f', 'f', 'f']
/** The row of another role that the login is a member of. */
const MORE = ['140012', 'app', 'f', 'f', 'f', 'f', 'f', 'f', 't']

/** The texts of an answer with changes in it, each in the part that has such a field. */
function texts(change: Record<string, unknown> = {}): string[] {
  const isIn = (part: object) => Object.entries(change).filter(([key]) => Object.hasOwn(part, key))
  const added = Object.entries(change).filter(([key]) => key === 'extra')
  const parts = [ANSWER, RELATIONS, CODE, SECRETS].map((part, index) => ({
    ...part,
    ...Object.fromEntries([...isIn(part), ...(index === 0 ? added : [])]),
  }))
  return parts.map(part => JSON.stringify(part))
}

const parsed = (change: Record<string, unknown>, secret?: string): RoleFacts | null =>
  parseRoleFacts(texts(change), secret)

/**
 * A server that returns those rows to the short query and those texts to the other statements in order, and records the
 * queries.
 */
function answering(glance: string[][], answers: readonly string[] = []) {
  const asked: (readonly string[])[] = []
  const ask = async (statements: readonly string[]) => {
    asked.push(statements)
    return statements[0] === GLANCE_SQL ? [glance] : statements.map((_, index) => [[answers[index] ?? null]])
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
      rlsBypassingViews: { count: 3, names: ['"app"."v"'] },
      privilegedDefinerFunctions: { count: 4, names: [] },
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
    ['another catalog than those that were asked for', { catalogs: ['pg_class'] }],
    ['fifty-one views', { view_names: Array.from({ length: 51 }, () => ['s', 'v']) }],
    ['a setting of somebody else', { acting: ['me'] }],
    ['a foreign server without a name', { servers: [''] }],
    ['twenty-one tables', { unforced_tables: Array.from({ length: 21 }, () => ['s', 't']) }],
    ['more unforced tables than tables', { owned: 0 }],
    ['a negative count', { views: -1 }],
    ['a count without end', { views: 1e300 }],
    ['an empty name', { session: '' }],
    ['a name of 64 bytes', { current: 'é'.repeat(32) }],
    ['a function that is no name', { file_functions: ['x; drop table t'] }],
  ])('with %s is refused', (_, change) => expect(parsed(change)).toBeNull())

  it('that is not JSON, is too large, or lacks a part or the parameters of its version is refused', () => {
    const whole = texts()
    const withFirst = (text: string) => parseRoleFacts([text, ...whole.slice(1)])
    for (const text of ['', '{', '[]', `${whole[0]}${' '.repeat(65_536)}`]) expect(withFirst(text)).toBeNull()
    for (let parts = 0; parts < whole.length; parts++) expect(parseRoleFacts(whole.slice(0, parts))).toBeNull()
    expect(parseRoleFacts([...whole, '[]'])).toBeNull()
    const since15 = texts({ version: '150001' })
    expect(parseRoleFacts(since15)).toBeNull()
    for (const bad of ['["a"]', '[["a; drop table t", true]]', '[["a", 1]]'])
      expect(parseRoleFacts([...since15, bad])).toBeNull()
    const parameters = '[["auto_explain.log_level", false], ["archive_command", true]]'
    expect(parseRoleFacts([...since15, parameters])).toMatchObject({
      settableParameters: ['auto_explain.log_level', 'archive_command'],
      alterableParameters: ['archive_command'],
    })
  })

  it('is never misread, whatever it contains', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.nat({ max: 3 }), (text, part) => {
        expect(parseRoleFacts(texts().with(part, text))).toBeNull()
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
    expect(asked).toEqual([[GLANCE_SQL]])
  })

  it.each([
    ['says that there is more', [GLANCE, MORE]],
    ['was cut', Array.from({ length: GLANCE_ROWS }, () => GLANCE)],
    ['does not have the login', [MORE.with(8, 'f')]],
  ])('takes the full statements where the glance %s', async (_, glance) => {
    const old = answering(glance, texts())
    expect((await readRoleFacts(old.ask))?.superuserVia).toEqual(['dba'])
    expect(old.asked).toEqual([[GLANCE_SQL], factStatements(140_012)])

    const since15 = answering(
      glance.map(row => row.with(0, '180001')),
      [...texts({ version: '180001' }), '[["session_preload_libraries", false]]'],
    )
    expect((await readRoleFacts(since15.ask))?.settableParameters).toEqual(['session_preload_libraries'])
    expect(since15.asked).toEqual([[GLANCE_SQL], factStatements(180_001)])
  })

  it('returns nothing for no row, too many rows, too few or too many columns, null or another shape', async () => {
    const tooMany = Array.from({ length: GLANCE_ROWS + 1 }, () => GLANCE)
    const shapes = [[], tooMany, [GLANCE.slice(1)], [[...GLANCE, 't']], [[null]], [[]], [['{}']], [GLANCE.with(3, 'x')]]
    for (const rows of shapes) expect(await readRoleFacts(async () => [rows])).toBeNull()
    expect(await readRoleFacts(async () => [])).toBeNull()
    expect(await readRoleFacts(answering([MORE]).ask)).toBeNull()
  })
})
