/**
 * The scripts of `schema sql` run as they are in an empty database and make what was read, on the oldest, a middle and the
 * newest PostgreSQL: one server of each for all fixtures.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schemaMermaid } from '#client/cli/schema-mermaid.ts'
import { schemaSql } from '#client/cli/schema-sql.ts'
import { tablesOf } from '#server/domain/schemas/snapshot-summary.ts'
import { type Change, drift } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { installedMajors, query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { asRole, readCatalog, relationIn, schemaIn } from '#test/support/schemas/catalog.ts'
import { headOf, type RoundTrip, roundTrip } from '#test/support/schemas/round-trip.ts'

const FOLDER = new URL('fixtures/', import.meta.url)
const MAJORS = ([13, 15, 18] as const).filter(major => installedMajors().includes(major))
/** `name-15.sql` is for PostgreSQL 15 and later. */
const filesFor = (major: number) =>
  readdirSync(FOLDER)
    .filter(file => Number(/-(\d\d)\.sql$/.exec(file)?.[1] ?? 13) <= major)
    .sort()

/** What these make is all in a snapshot: no function, no collation, no secret. */
const WHOLE = new Set(
  ['extensions', 'foreign', 'inheritance', 'keys-and-types', 'modern-18', 'partitions', 'telemetry'].map(
    name => `${name}.sql`,
  ),
)

/** Every snapshot, by major version and file, for the comparison of versions. */
const read = new Map<string, Snapshot>()

describe.each(MAJORS)('on PostgreSQL %i', major => {
  let server: TestServer
  const done = new Map<string, RoundTrip>()

  beforeAll(async () => {
    server = await startServer({ major, settings: { wal_level: 'logical' } })
    for (const file of filesFor(major)) {
      const trip = await roundTrip(server, file, readFileSync(new URL(file, FOLDER), 'utf8'))
      done.set(file, trip)
      read.set(`${major} ${file}`, trip.original)
    }
  })
  afterAll(() => server?.stop())
  const of = (file: string): RoundTrip => {
    const found = done.get(`${file}.sql`)
    if (found === undefined) throw new Error(`no fixture ${file}`)
    return found
  }

  it.each(filesFor(major))('%s comes back without a difference that its first lines do not name', file => {
    expect(done.get(file)?.differences).toEqual([])
    expect(done.get(file)?.named.length === 0).toBe(WHOLE.has(file))
  })

  it('a check, a default, an index and views that call a function are remarks, and the first lines name it', () => {
    const { script, original } = of('functions')
    expect(headOf(script)).toContain('function app.touch()')
    expect(headOf(script)).toContain('function app.valid(text, boolean)')
    expect(headOf(script)).toContain('alter table app.parcel add constraint coded')
    expect(headOf(script)).toContain('alter table app.parcel alter column touched set default')
    expect(headOf(script)).toContain('create view app.over_it')
    expect(headOf(script)).toContain('stamped on app.parcel (app.stamp)')
    expect(script).toMatch(/^create table app.parcel \(/m)
    for (const text of [
      'add constraint coded',
      'set default app.touch()',
      'CREATE INDEX parcel_valid',
      'view app.over_it',
    ])
      expect(script.split('\n').filter(line => line.includes(text) && !line.startsWith('--'))).toEqual([])
    expect(script).toMatch(/^ {2}add constraint line_parcel_fkey/m)
    expect(JSON.stringify(original)).not.toContain('hunter2')
    expect(schemaIn(original, 'app').functions?.find(({ name }) => name === 'touch()')).toMatchObject({
      ...{ kind: 'function', result: 'text', language: 'sql', securityDefiner: true, searchPath: 'pg_catalog' },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  it('what an extension owns is none of the schema', () => {
    const { script, original } = of('extensions')
    expect(tablesOf(original)).toEqual(['public.person'])
    expect(original.schemas[0]?.relations.map(({ name }) => name)).toEqual(['domains', 'emails', 'person'])
    expect(original.schemas[0]?.functions).toBeUndefined()
    expect(relationIn(original, 'public', 'person').columns[2]).toMatchObject({ type: 'public.lo', base: 'oid' })
    expect(original.observed.members).toContainEqual({
      ...{ extension: 'pg_stat_statements', of: 'relation', schema: 'public', name: 'pg_stat_statements' },
    })
    expect(script).not.toMatch(/create domain|create view public.pg_stat/)
    expect(schemaMermaid(original)).not.toContain('pg_stat')
  })

  it('a leaf that a foreign key refers to is there, and one that a role may read alone', async () => {
    const { original } = of('partitions')
    expect(relationIn(original, 'public', 'visit_2025')).toMatchObject({
      partitionOf: { schema: 'public', name: 'visit' },
      bound: "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    })
    expect(relationIn(original, 'public', 'visit').partitions).toHaveLength(4)
    expect(schemaMermaid(original)).toMatch(/"note" .* "visit_2025" : "note_visit_id_fkey"/)
    const url = new URL('/partitions.sql', server.adminUrl).href
    await query(
      url,
      `create role "Leaf" login password 'Leaf'; grant usage on schema public, parts to "Leaf";
      grant select on visit_2026, parts.visit_2026_one to "Leaf"`,
    )
    const leaf = await readCatalog(asRole(url, 'Leaf'))
    expect(tablesOf(leaf)).toEqual(['public.visit_2026'])
    expect(relationIn(leaf, 'public', 'visit_2026').constraints).toMatchObject([
      { kind: 'primary_key', inherited: true },
    ])
    const parts = await readCatalog(url, { schemas: ['parts'], excludedSchemas: [] })
    expect(tablesOf(parts)).toEqual(['parts.visit_2026_one'])
    const copy = await server.createDatabase('leaf_copy')
    await query(copy, schemaSql(parts))
    expect(headOf(schemaSql(parts))).toContain('public.visit_2026: parts.visit_2026_one')
  })

  it('options that may be secrets are kept as a hash', async () => {
    const url = new URL('/foreign.sql', server.adminUrl).href
    await query(url, `create foreign table keyed (id int) server beyond options (api_key 'hunter2', place 'here')`)
    const text = JSON.stringify(await readCatalog(url))
    expect(text).not.toContain('hunter2')
    expect(text).toContain('"here"')
  })

  it('an extension that is updated is one change, and nothing breaks', async () => {
    const url = await server.createDatabase('updated')
    await query(url, "create extension pg_stat_statements version '1.7'")
    const before = await readCatalog(url)
    await query(url, 'alter extension pg_stat_statements update')
    expect(drift(before, await readCatalog(url))).toMatchObject([
      { object: 'extension', what: 'version', class: 'risky' },
    ])
  })

  it('a serial column that becomes an identity, and a check that becomes not null, break nothing', async () => {
    const url = await server.createDatabase('migrated')
    await query(url, `create table t (id serial, email text, constraint e check (email is not null) not valid)`)
    const before = await readCatalog(url)
    await query(
      url,
      `alter table t alter id drop default; drop sequence t_id_seq; alter table t alter id add generated always as identity;
      alter table t validate constraint e; alter table t alter email set not null; alter table t drop constraint e`,
    )
    expect(drift(before, await readCatalog(url)).filter(it => it.class === 'breaking')).toEqual([])
  })
})

describe('the same file read from two major versions', () => {
  /** The server itself is another one there: versions of extensions, and `extract`, which gives numbers of another type since 14. */
  const isOfServer = ({ object, what, before }: Change) =>
    (object === 'extension' && what === 'version') || (what === 'type' && before === 'double precision')
  const SPELLED = /^(?:another major version of the server spells|the server has another major version)/

  it.each([
    [13, 15],
    [15, 18],
  ])('differs in spelling alone: %i and %i', (older, newer) => {
    const pairs = filesFor(older).flatMap(file => {
      const [was, is] = [read.get(`${older} ${file}`), read.get(`${newer} ${file}`)]
      return was === undefined || is === undefined ? [] : [{ file, changes: drift(was, is) }]
    })
    const others = pairs.flatMap(({ file, changes }) =>
      changes.filter(it => !isOfServer(it)).map(it => ({ file, class: it.class, reason: it.reason, path: it.path })),
    )
    expect(others.filter(({ reason }) => !SPELLED.test(reason))).toEqual([])
    // A cast that goes with the other type of `extract`; permissions and an alias that are others in 18.
    expect(others.filter(it => it.class !== 'safe').map(({ file }) => file)).toEqual(
      older === 13 ? ['ledger.sql', 'ledger.sql'] : ['platform.sql', 'warehouse.sql'],
    )
    expect(pairs.flatMap(({ changes }) => changes).some(({ class: rated }) => rated === 'safe')).toBe(true)
  })
})
