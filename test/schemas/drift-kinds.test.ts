/**
 * The kinds of drift that are breaking, risky and safe, each with its counter-cases: former false alarms and omissions.
 */
import { describe, expect, it } from 'vitest'
import { drift } from '#shared/schemas/drift/drift.ts'
import { comparisonNotes } from '#shared/schemas/drift/drift-formats.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { snapshot } from '#test/support/schemas/snapshots.ts'

type Part = Record<string, unknown>

const email = { name: 'email', type: 'text' }
const phone = { name: 'phone', type: 'text' }
const check = (definition: string, name = 'e'): Part => ({ name, kind: 'check', columns: ['email'], definition })
const schemas = (relation: Part, more: Part = {}): Snapshot =>
  snapshot({
    version: 2,
    schemas: [
      { name: 'public', relations: [{ name: 't', kind: 'table', columns: [email, phone], ...relation }], ...more },
    ],
  })
const lines = (before: Snapshot, after: Snapshot) =>
  drift(before, after).map(({ class: rated, object, what, kind }) => `${rated}: ${object} ${what ?? kind}`)
const verified = (before: Part, after: Part, more: [Part?, Part?] = []) =>
  lines(schemas(before, more[0]), schemas(after, more[1]))
const required = { columns: [{ ...email, notNull: true }, phone] }

describe('A check that refuses null, and not null', () => {
  const IS_NOT_NULL = 'CHECK ((email IS NOT NULL))'

  it.each([
    IS_NOT_NULL,
    `${IS_NOT_NULL} NOT VALID`,
    `${IS_NOT_NULL} NO INHERIT`,
    'CHECK (((email IS NOT NULL) AND (phone IS NOT NULL)))',
    "CHECK (((email IS NOT NULL) AND (email <> ' OR '::text)))",
    'CHECK ((NOT (email IS NULL)))',
  ])('are equivalent: %s', definition => {
    const [first] = verified({ constraints: [check(definition)] }, { ...required, constraints: [check(definition)] })
    expect(first).toBe('safe: column notNull')
  })

  it.each([
    'CHECK (((email IS NOT NULL) OR (phone IS NOT NULL)))',
    'CHECK ((phone IS NOT NULL))',
    "CHECK ((email <> ''::text))",
    `${IS_NOT_NULL} NOT ENFORCED`,
    `CHECK ((email <> 'email IS NOT NULL'::text))`,
  ])('are not equivalent: %s', definition => {
    expect(verified({ constraints: [check(definition)] }, { ...required, constraints: [check(definition)] })).toEqual([
      'breaking: column notNull',
    ])
  })

  it('replace each other without a breaking change', () => {
    const both = verified({ constraints: [check(IS_NOT_NULL)] }, required)
    expect(both).toEqual(['safe: column notNull', 'safe: constraint removed'])
    expect(verified(required, { constraints: [check(IS_NOT_NULL)] })).toEqual([
      'safe: column notNull',
      'safe: constraint added',
    ])
  })

  it('are equally breaking when they are added', () => {
    expect(verified({}, { constraints: [check(IS_NOT_NULL)] })).toEqual(['breaking: constraint added'])
    expect(verified(required, { ...required, constraints: [check(IS_NOT_NULL)] })).toEqual(['safe: constraint added'])
    expect(verified({}, { constraints: [check("CHECK ((email <> ''::text))")] })).toEqual(['risky: constraint added'])
  })

  it('differ from not null that is not valid yet', () => {
    const unvalidated = { columns: [{ ...email, notNullUnvalidated: true }, phone] }
    expect(verified({}, unvalidated)).toEqual(['breaking: column notNullUnvalidated'])
    expect(verified(unvalidated, required)).toEqual(['safe: column notNull', 'safe: column notNullUnvalidated'])
  })

  it('are equivalent for a domain', () => {
    const domain = (more: Part) => ({ domains: [{ name: 'public.d', type: 'text', ...more }] })
    const checked = domain({ checks: [{ name: 'c', definition: 'CHECK ((VALUE IS NOT NULL))' }] })
    expect(verified({}, {}, [checked, domain({ notNull: true })])).toEqual([
      'safe: domain notNull',
      'safe: check removed',
    ])
    expect(verified({}, {}, [domain({}), checked])).toEqual(['breaking: check added'])
  })
})

describe('A sequence that a column owns', () => {
  const drawn = { name: 'id', type: 'integer', notNull: true, default: "nextval('public.t_id_seq'::regclass)" }
  const numbers = { start: '1', increment: '1', min: '1', max: '9', cache: '1' }
  const sequence = (ownedBy?: Part) => ({
    sequences: [{ name: 't_id_seq', type: 'integer', ...numbers, ...(ownedBy && { ownedBy }) }],
  })
  const owned = sequence({ relation: 't', column: 'id' })

  it.each(['always', 'by_default'])('is exchanged for an identity (%s) without a breaking change', identity => {
    const { default: _, ...column } = drawn
    const found = verified({ columns: [drawn] }, { columns: [{ ...column, identity }] }, [owned])
    expect(found.filter(line => line.startsWith('breaking'))).toEqual([])
  })

  it('appears and disappears with its column or table in one change', () => {
    expect(verified({ columns: [drawn, email] }, { columns: [email] }, [owned])).toEqual(['breaking: column removed'])
    const empty = snapshot({ version: 2, schemas: [{ name: 'public', relations: [] }] })
    const whole = schemas({ columns: [drawn] }, owned)
    expect(lines(whole, empty)).toEqual(['breaking: relation removed'])
    expect(drift(empty, whole)).toMatchObject([{ object: 'relation', with: [{ path: ['public', 't_id_seq'] }] }])
  })

  it('is a change of its own when no column owns it', () => {
    expect(verified({ columns: [drawn, email] }, { columns: [email] }, [sequence()])).toEqual([
      'breaking: column removed',
      'breaking: sequence removed',
    ])
  })
})

describe('An object on new columns alone', () => {
  const owner = { name: 'owner', type: 'integer' }
  const added = (constraint: Part, column: Part = owner) =>
    verified({}, { columns: [email, phone, column], constraints: [{ name: 'c', columns: ['owner'], ...constraint }] })
  const references = { schema: 'public', relation: 'u', columns: ['id'], onUpdate: 'no_action', onDelete: 'no_action' }

  it('is safe with them', () => {
    for (const constraint of [
      { kind: 'foreign_key', references },
      { kind: 'check', definition: 'CHECK ((owner > 0))' },
      { kind: 'unique' },
    ])
      expect(added(constraint)).toEqual(['safe: column added', 'safe: constraint added'])
    const index = { name: 'i', unique: true, definition: 'CREATE UNIQUE INDEX i ON public.t USING btree (owner)' }
    expect(verified({}, { columns: [email, phone, owner], indexes: [index] })).toEqual([
      'safe: column added',
      'safe: index added',
    ])
  })

  it('is not safe when it refuses rows that omit those columns', () => {
    expect(added({ kind: 'check', definition: 'CHECK ((owner IS NOT NULL))' })[1]).toBe('breaking: constraint added')
    expect(added({ kind: 'unique' }, { ...owner, default: '0' })[1]).toBe('risky: constraint added')
    expect(added({ kind: 'unique', definition: 'UNIQUE NULLS NOT DISTINCT (owner)' })[1]).toBe(
      'risky: constraint added',
    )
    expect(added({ kind: 'unique', columns: ['owner', 'email'] })[1]).toBe('risky: constraint added')
  })
})

describe('An object with another name', () => {
  it.each<[string, string, Part]>([
    ['constraints', 'a foreign key', { kind: 'foreign_key', columns: ['email'] }],
    ['constraints', 'a check', { kind: 'check', columns: ['email'], definition: "CHECK ((email <> ''::text))" }],
    ['indexes', 'an index', { definition: 'CREATE INDEX NAME ON public.t USING btree (email)' }],
    [
      'indexes',
      'a unique index',
      { unique: true, definition: 'CREATE UNIQUE INDEX NAME ON public.t USING hash (email)' },
    ],
    ['policies', 'a policy', { command: 'all', roles: ['public'] }],
  ])('is safe: %s, %s', (list, _what, part) => {
    const named = (name: string) => ({
      [list]: [
        { ...part, name, ...(list === 'indexes' && { definition: String(part['definition']).replace('NAME', name) }) },
      ],
    })
    for (const line of verified(named('a'), named('b'))) expect(line).toMatch(/^safe/)
  })

  it('is risky for a type, whether it is renamed or moved', () => {
    const of = (name: string, labels = ['a', 'b']) =>
      schemas(
        {
          columns: [
            { name: 'c', type: name },
            { name: 'l', type: `${name}[]` },
          ],
        },
        { enums: [{ name, labels }] },
      )
    for (const name of ['public.other', 'types.mood'])
      expect(new Set(lines(of('public.mood'), of(name)).map(line => line.split(':')[0]))).toEqual(
        new Set(['risky', 'safe']),
      )
    expect(lines(of('public.mood'), of('public.other', ['a']))).toContain('breaking: column type')
  })

  it('is safe for text and varchar without a length', () => {
    const of = (type: string) => ({ columns: [{ name: 'c', type }] })
    expect(verified(of('text'), of('character varying'))).toEqual(['safe: column type'])
    expect(verified(of('text[]'), of('character varying[]'))).toEqual(['safe: column type'])
    expect(verified(of('text'), of('character varying(9)'))).toEqual(['breaking: column type'])
  })
})

describe('Row security', () => {
  const policy = (more: Part = {}) => ({ policies: [{ name: 'p', command: 'all', roles: ['public'], ...more }] })

  it('is breaking when no permissive policy admits a row', () => {
    expect(verified({}, { rowSecurity: true })).toEqual(['breaking: relation rowSecurity'])
    const restrictive = policy({ restrictive: true })
    expect(verified(restrictive, { ...restrictive, rowSecurity: true })).toEqual(['breaking: relation rowSecurity'])
    expect(verified(policy(), { ...policy(), rowSecurity: true })).toEqual(['risky: relation rowSecurity'])
    expect(verified({ rowSecurity: true, ...policy() }, { rowSecurity: true })).toEqual(['breaking: policy removed'])
  })
})

describe('Partitions, triggers and similar objects', () => {
  const partition = (name: string, bound = 'FOR VALUES IN (1)') => ({ name, bound })
  const trigger = { name: 'g', timing: 'before', events: ['insert'], function: 'public.f' }

  it('are reported and classified', () => {
    const two = { partitions: [partition('public.a'), partition('public.b', 'DEFAULT')] }
    expect(verified(two, { partitions: [partition('public.a')] })).toEqual(['breaking: partition removed'])
    expect(verified(two, { partitions: [partition('public.b', 'DEFAULT')] })).toEqual(['risky: partition removed'])
    expect(verified({ partitions: [partition('public.a')] }, {})).toEqual(['breaking: partition removed'])
    expect(verified({}, { triggers: [trigger] })).toEqual(['risky: trigger added'])
    expect(verified({ triggers: [trigger] }, { triggers: [{ ...trigger, enabled: 'disabled' }] })).toEqual([
      'risky: trigger enabled',
    ])
    expect(verified({}, { unlogged: true })).toEqual(['risky: relation unlogged'])
    expect(verified({}, { replicaIdentity: 'full' })).toEqual(['risky: relation replicaIdentity'])
    expect(verified({ published: [{ name: 'p' }] }, {})).toEqual(['risky: published removed'])
    expect(verified({}, { inherits: [{ schema: 'public', name: 'u' }] })).toEqual(['risky: relation inherits'])
  })

  it('are reported and classified, too, for composite types and functions', () => {
    const composite = (...names: string[]) => ({
      composites: [{ name: 'public.c', attributes: names.map(name => ({ name, type: 'text' })) }],
    })
    expect(verified({}, {}, [composite('a', 'b'), composite('a')])).toEqual(['breaking: attribute removed'])
    expect(verified({}, {}, [composite('a', 'b'), composite('b', 'a')])).toEqual(['breaking: composite column order'])
    const routine = (hash: string) => ({
      functions: [{ name: 'f()', kind: 'function', arguments: '', language: 'sql', result: 'text', hash }],
    })
    expect(verified({}, {}, [routine('1'), routine('2')])).toEqual(['risky: function hash'])
    expect(verified({}, {}, [routine('1'), {}])).toEqual(['breaking: function removed'])
  })
})

describe('Two servers, or two formats', () => {
  const view = (definition: string) => ({ kind: 'view', columns: [email], definition })
  const on = (version: number, definition: string) => {
    const one = schemas(view(definition))
    return { ...one, observed: { ...one.observed, serverVersionNum: version } }
  }

  it('that format a query differently are reported as such', () => {
    const [older, newer] = [' SELECT t.email\n   FROM public.t;', ' SELECT email\n   FROM public.t;']
    expect(drift(on(150_004, older), on(180_000, newer))).toMatchObject([
      { class: 'safe', reason: 'unchanged: the two major versions of the server format it differently' },
    ])
    const other = drift(on(150_004, older), on(180_000, ' SELECT phone\n   FROM public.t;'))
    expect(other).toMatchObject([{ class: 'risky', reason: expect.stringContaining('two major versions') }])
    expect(drift(on(180_000, older), on(180_004, newer))).toMatchObject([{ reason: 'the view has a different query' }])
    expect(comparisonNotes(on(150_004, older), on(180_000, newer))).toHaveLength(1)
  })

  it('are compared by their common content', () => {
    const old = { ...schemas({ columns: [{ ...email, notNull: true }, phone] }), version: 1 as const }
    const now = schemas({
      columns: [{ ...email, notNullUnvalidated: true }, phone],
      triggers: [{ name: 'g', timing: 'before', events: ['insert'], function: 'public.f' }],
    })
    expect(drift(old, now)).toEqual([])
    expect(drift(now, old)).toEqual([])
    expect(comparisonNotes(old, now)).toEqual(['The snapshots have formats 1 and 2: only what both hold is compared.'])
  })

  it('do not report objects as dropped that format 1 attributed to the schema and an extension owns', () => {
    const [schema] = schemas({}).schemas
    const views = ['pg_stat_statements', 'mine'].map(name => ({ name, kind: 'view', columns: [] }))
    const old = snapshot({ schemas: [{ ...schema, relations: views }] })
    const now = snapshot({ version: 2, schemas: [{ ...schema, relations: [] }] })
    const member = {
      extension: 'pg_stat_statements',
      of: 'relation' as const,
      schema: 'public',
      name: 'pg_stat_statements',
    }
    const changes = drift(old, { ...now, observed: { ...now.observed, members: [member] } })
    expect(changes.map(({ path }) => path)).toEqual([['public', 'mine']])
  })
})
