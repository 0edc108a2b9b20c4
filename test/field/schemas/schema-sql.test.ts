/**
 * The scripts of `schema sql` run unchanged in an empty database and recreate the schema, on the oldest, a middle and
 * the newest PostgreSQL. All fixtures share one server for each version.
 */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schemaMermaid } from '#client/cli/schema-mermaid.ts'
import { schemaSql } from '#client/cli/schema-sql.ts'
import { tablesOf } from '#server/domain/schemas/snapshot-summary.ts'
import { type Change, drift } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { debianPostgres, isLeftOut } from '#test/support/database/debian-postgres.ts'
import { installedMajors, query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { asRole, readCatalog, relationIn, schemaIn } from '#test/support/schemas/catalog.ts'
import { loadFile } from '#test/support/schemas/load-file.ts'
import { readDiagram } from '#test/support/schemas/mermaid.ts'
import { headOf, type RoundTrip, roundTrip } from '#test/support/schemas/round-trip.ts'

const FOLDER = new URL('fixtures/', import.meta.url)
const MAJORS = ([13, 15, 18] as const).filter(major => installedMajors().includes(major))
/** `name-15.sql` is for PostgreSQL 15 and later. */
const filesFor = (major: number) =>
  readdirSync(FOLDER)
    .filter(file => Number(/-(\d\d)\.sql$/.exec(file)?.[1] ?? 13) <= major)
    .sort()

/** Files whose objects a snapshot holds completely: no function, no operator, no secret. */
const WHOLE = new Set(
  [
    'dump-records',
    'extensions',
    'foreign',
    'inheritance',
    'keys-and-types',
    'modern-18',
    'names',
    'own-parts',
    'partitions',
    'telemetry',
  ].map(name => `${name}.sql`),
)

/** All snapshots and dumps by major version and file, for comparing versions. */
const read = new Map<string, Snapshot>()
const dumps = new Map<string, string>()

/** The distribution's PostgreSQL, whose pg_dump reads servers of its own version and of older ones. */
const DUMPED_BY = debianPostgres()

/** The functions of the extension earthdistance do not find its types with an empty search path, which a dump sets. */
const NOT_RESTORABLE = new Set(['maps.sql'])

async function dumpOf(url: string): Promise<string> {
  const { stdout } = await promisify(execFile)(`${DUMPED_BY?.root}/bin/pg_dump`, [`--dbname=${url}`], {
    maxBuffer: 1 << 24,
  })
  return stdout
}

/** Loads a whole dump into a new database, and introspects it. */
async function restored(server: TestServer, name: string, dump: string): Promise<Snapshot> {
  const url = await server.createDatabase(name)
  const { refused } = await loadFile(url, dump)
  // The schema exists from the beginning, and objects of the whole server are created once.
  expect(refused.filter(({ message }) => !/already exists/.test(message))).toEqual([])
  return readCatalog(url)
}

/**
 * Differences between the servers themselves: versions of extensions, and `extract`, which returns another type since
 * 14.
 */
const isOfServer = ({ object, what, before }: Change) =>
  (object === 'extension' && what === 'version') || (what === 'type' && before === 'double precision')
const SPELLED = /^(?:possibly )?unchanged: the two major versions/

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

  it.each(filesFor(major).filter(file => file.startsWith('dump-')))('%s is loaded whole, as psql would', file => {
    expect(done.get(file)?.loaded.refused).toEqual([])
  })

  it('a schema that was dumped by pg_dump and restored has no drift', async () => {
    if (major > 15 || isLeftOut('pg_dump', DUMPED_BY !== null)) return
    for (const [file, { original }] of done) {
      if (NOT_RESTORABLE.has(file)) continue
      const dump = await dumpOf(new URL(`/${file}`, server.adminUrl).href)
      dumps.set(`${major} ${file}`, dump)
      // Servers older than pg_dump do not accept everything that it writes.
      if (major < 15) continue
      expect(drift(original, await restored(server, `${file}_restored`, dump)), file).toEqual([])
    }
  })

  it('a schema that was dumped on an older server and restored here differs only in formatting', async () => {
    for (const [key, dump] of dumps) {
      const [from, file = ''] = key.split(' ')
      const before = read.get(key)
      // From the previous version: both steps preserve what each of them preserves.
      if (from !== String(MAJORS[MAJORS.indexOf(major) - 1]) || before === undefined) continue
      const changes = drift(before, await restored(server, `${file}_of_${from}`, dump))
      const others = changes.filter(it => !isOfServer(it) && !SPELLED.test(it.reason))
      expect({ key, others }).toEqual({ key, others: [] })
    }
  })

  it('a range comes without its functions, and only what consists of a type that is not created is a remark', () => {
    const { script } = of('omitted-types')
    expect(script).toContain('create type public.trange as range (subtype = time without time zone')
    for (const made of ['type public.trange', 'domain public.dt', 'table public.times', 'table public.open'])
      expect(script).toMatch(new RegExp(`^create ${made} `, 'm'))
    for (const made of ['table public.ok', 'table public.z', 'table public.w'])
      expect(script).toMatch(new RegExp(`^create ${made} `, 'm'))
    for (const left of ['type public.rr', 'domain public.dr', 'type public.comp', 'table public.x', 'view public.v4']) {
      expect(script).not.toMatch(new RegExp(`^create ${left} `, 'm'))
      expect(headOf(script)).toContain(`--   create ${left}`)
    }
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

  it('objects that an extension owns are not part of the schema', () => {
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

  it('a leaf is listed if a foreign key refers to it, or if a role may read it alone', async () => {
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

  it('Mermaid accepts every diagram, with a box for each table', async () => {
    for (const file of filesFor(major)) {
      const found = done.get(file)?.original
      if (found === undefined) throw new Error(file)
      const labels = (await readDiagram(schemaMermaid(found))).entities.map(({ label }) => label)
      const relations = found.schemas.flatMap(schema => schema.relations)
      expect(labels.length, file).toBe(relations.length)
    }
  })

  it('a schema that an extension owns belongs to the extension, except for other objects in it', async () => {
    const url = await server.createDatabase('owned')
    await query(
      url,
      `create extension hstore; create schema owned; create schema shared; create table owned.its (id int);
      alter extension hstore add schema owned; alter extension hstore add schema shared;
      alter extension hstore add table owned.its; create table shared.mine (id int)`,
    )
    const found = await readCatalog(url)
    expect(found.schemas.map(({ name, extension }) => [name, extension])).toEqual([
      ['public', undefined],
      ['shared', 'hstore'],
    ])
    expect(schemaSql(found)).not.toMatch(/create schema (?:if not exists )?(?:owned|shared)/)
    const asked = await readCatalog(url, { schemas: ['owned'], excludedSchemas: [] })
    expect(asked.schemas).toMatchObject([{ name: 'owned', relations: [] }])
  })

  it('options that may be secrets are kept as a hash', async () => {
    const url = new URL('/foreign.sql', server.adminUrl).href
    await query(url, `create foreign table keyed (id int) server beyond options (api_key 'hunter2', place 'here')`)
    const text = JSON.stringify(await readCatalog(url))
    expect(text).not.toContain('hunter2')
    expect(text).toContain('"here"')
  })

  it('the update of an extension is one change, and nothing breaks', async () => {
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
  it.each([
    [13, 15],
    [15, 18],
  ])('differs only in formatting: %i and %i', (older, newer) => {
    const pairs = filesFor(older).flatMap(file => {
      const [was, is] = [read.get(`${older} ${file}`), read.get(`${newer} ${file}`)]
      return was === undefined || is === undefined ? [] : [{ file, changes: drift(was, is) }]
    })
    const others = pairs.flatMap(({ file, changes }) =>
      changes.filter(it => !isOfServer(it)).map(it => ({ file, class: it.class, reason: it.reason, path: it.path })),
    )
    expect(others.filter(({ reason }) => !SPELLED.test(reason))).toEqual([])
    // Since 14 conversion functions have another argument, and a cast depends on the type of `extract`; permissions and
    // an alias differ in 18.
    expect(others.filter(it => it.class !== 'safe').map(({ file }) => file)).toEqual(
      older === 13 ? ['ledger.sql', 'ledger.sql', 'objects.sql'] : ['platform.sql', 'warehouse.sql'],
    )
    expect(pairs.flatMap(({ changes }) => changes).some(({ class: rated }) => rated === 'safe')).toBe(true)
  })
})
