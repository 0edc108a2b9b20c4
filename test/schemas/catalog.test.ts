/**
 * The results of introspection on a database of every feature, compared with an independent reading of the same
 * database.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { constraintDefinition } from '#client/cli/schema/sql-constraints.ts'
import { catalogSql } from '#server/net/catalog/catalog.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { canonicalText } from '#shared/schemas/snapshot-canonical.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'
import { installedMajors, query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { fc } from '#test/support/house/properties.ts'
import {
  asRole,
  catalogRows,
  EVERYTHING,
  everyFeature,
  fingerprintOf,
  readCatalog,
  readRows,
  relationIn,
  schemaIn,
} from '#test/support/schemas/catalog.ts'

const majors = installedMajors()
const oldest = majors[0] ?? 18
const ODD = 'Odd "schema", with comma'

describe.each([...new Set([18 as const, oldest])])('on PostgreSQL %i', major => {
  let server: TestServer
  let url: string
  let reader: string
  let snapshot: Snapshot

  beforeAll(async () => {
    server = await startServer({ major })
    url = await everyFeature(server, major)
    reader = asRole(url, 'reader')
    snapshot = await readCatalog(reader)
  })
  afterAll(() => server?.stop())

  /** Runs a query with an empty search path, as the user of the URL. */
  const ask = (as: string, sql: string) => query(as, `set search_path = ''; ${sql}`)
  const relations = () =>
    snapshot.schemas.flatMap(schema => schema.relations.map(relation => ({ schema: schema.name, ...relation })))

  it('is the same, and so is its stored text, in whatever order the rows come', async () => {
    const rows = await catalogRows(reader, catalogSql(EVERYTHING))
    const text = canonicalText(snapshot)
    // Texts that were written while rows still came are those of the whole snapshot, or were forgotten.
    expect(readRows(rows)).toMatchObject({ stored: text, isWritten: true })
    const orders = fc.shuffledSubarray([...rows.keys()], { minLength: rows.length })
    const check = (order: number[]) => {
      expect(readRows(order.map(at => rows[at] ?? ''))).toMatchObject({ stored: text, text })
    }
    fc.assert(fc.property(orders, check), { numRuns: 30 })
  })

  describe('the snapshot agrees with an independent reading', () => {
    it('of the columns, in information_schema', async () => {
      const rows = await ask(
        reader,
        `select table_schema, table_name, column_name, is_nullable = 'NO' as "notNull", identity_generation,
          case when is_generated = 'NEVER' then column_default end as "default", is_generated = 'ALWAYS' as generated,
          generation_expression,
          -- A domain and the type "name" have a collation of their own.
          case when domain_name is null and data_type <> 'name' then collation_name end as collation_name
        from information_schema.columns where table_schema not in ('information_schema', 'pg_catalog')
        and not exists (select from pg_class c where c.relispartition and c.oid = (quote_ident(table_schema) || '.' || quote_ident(table_name))::regclass)
        order by table_schema collate "C", table_name collate "C", ordinal_position`,
      )
      const matviews = await ask(reader, `select schemaname, matviewname from pg_catalog.pg_matviews`)
      const isView = (relation: { schema: string; name: string }) =>
        matviews.some(view => view['schemaname'] === relation.schema && view['matviewname'] === relation.name)
      const ours = relations()
        .filter(relation => !isView(relation))
        .flatMap(relation => relation.columns.map(column => ({ relation, column })))
      expect(
        ours.map(({ relation, column }) => ({
          table_schema: relation.schema,
          table_name: relation.name,
          column_name: column.name,
          notNull: column.notNull ?? column.type === 'types.rating',
          default: column.default ?? null,
          identity_generation: column.identity ? column.identity.toUpperCase().replace('_', ' ') : null,
          generated: column.generated !== undefined,
          generation_expression: column.generated ?? null,
          collation_name: column.collation ? 'C' : null,
        })),
      ).toEqual(rows)
      expect(ours.length).toBeGreaterThan(50)
    })

    it('of the constraints, by pg_get_constraintdef', async () => {
      const rows = await ask(
        url,
        `select conrelid::regclass::text as relation, conname as name, pg_get_constraintdef(oid) as definition
        from pg_catalog.pg_constraint where conrelid >= 16384 and contype <> 'n' and conparentid = 0
        and not (select relispartition from pg_catalog.pg_class c where c.oid = conrelid)
        and conrelid::regclass::text not in ('app.unseen', 'app.by_column') and conrelid::regclass::text not like 'locked.%'`,
      )
      const ours = relations()
        .filter(relation => relation.name !== 'by_column')
        .flatMap(relation =>
          (relation.constraints ?? []).map(constraint => ({
            relation: quotedName(relation.schema, relation.name),
            name: constraint.name,
            definition: constraintDefinition(constraint),
          })),
        )
      expect(new Set(ours.map(json))).toEqual(new Set(rows.map(json)))
      expect(ours.length).toBeGreaterThan(15)
    })

    it('of the indexes, in pg_indexes', async () => {
      const rows = await ask(
        url,
        `select schemaname as schema, tablename as relation, indexname as name, indexdef as definition
        from pg_catalog.pg_indexes i where schemaname in ('app', 'types', 'auth') and tablename not in ('unseen', 'by_column')
        and not exists (select from pg_catalog.pg_constraint where contype in ('p', 'u', 'x') and conname = indexname)
        and not exists (select from pg_catalog.pg_class where relname = tablename and relispartition)`,
      )
      const ours = relations()
        .filter(relation => relation.name !== 'by_column')
        .flatMap(({ schema, name: relation, indexes }) =>
          (indexes ?? []).map(({ name, definition }) => ({ schema, relation, name, definition })),
        )
      expect(new Set(ours.map(json))).toEqual(new Set(rows.map(json)))
      expect(ours.length).toBe(5)
    })

    it('of the policies, in pg_policies', async () => {
      const rows = await ask(url, 'select * from pg_catalog.pg_policies')
      const ours = relations().flatMap(({ schema, name, policies }) =>
        (policies ?? []).map(policy => ({
          schemaname: schema,
          tablename: name,
          policyname: policy.name,
          permissive: policy.restrictive ? 'RESTRICTIVE' : 'PERMISSIVE',
          roles: `{${policy.roles.join(',')}}`,
          cmd: policy.command.toUpperCase(),
          qual: policy.using ?? null,
          with_check: policy.check ?? null,
        })),
      )
      expect(ours.map(json).sort()).toEqual(rows.map(json).sort())
      expect(ours).toHaveLength(2)
    })

    it('of the views, by pg_get_viewdef, and of the partition keys', async () => {
      for (const [name, definition] of Object.entries({
        recent: "pg_get_viewdef('app.recent'::regclass)",
        more_recent: "pg_get_viewdef('app.more_recent'::regclass)",
        totals: "pg_get_viewdef('app.totals'::regclass)",
      })) {
        const [row] = await ask(url, `select ${definition} as definition`)
        expect(relationIn(snapshot, 'app', name).definition).toBe(row?.['definition'])
      }
      expect(relationIn(snapshot, 'app', 'events').partitionKey).toBe('RANGE (at)')
      const options = ['recent', 'more_recent', 'totals'].map(name => relationIn(snapshot, 'app', name).options)
      expect(options).toEqual([major >= 18 ? 'security_invoker=true' : undefined, 'security_barrier=true', undefined])
    })

    it("of the role's privileges, in information_schema", async () => {
      const rows = await ask(
        reader,
        `select table_schema || '.' || table_name || ' ' || lower(privilege_type) as may from information_schema.table_privileges
        where table_schema not in ('information_schema', 'pg_catalog') and grantee = 'reader'
        and privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') and table_name not like 'events\\__%'`,
      )
      // information_schema omits materialized views.
      const ours = relations()
        .filter(relation => relation.kind !== 'materialized_view')
        .flatMap(({ schema, name, may }) => (may ?? []).map(permission => `${schema}.${name} ${permission}`))
      expect(ours.sort()).toEqual(rows.map(row => row['may']).sort())
    })

    it('of the types, with the labels in their order', async () => {
      const [row] = await ask(url, 'select enum_range(null::types.mood)::text[] as labels')
      expect(schemaIn(snapshot, 'types').enums).toEqual([
        { name: 'types.mood', labels: row?.['labels'], comment: 'How it went' },
      ])
      expect(schemaIn(snapshot, 'types').domains).toEqual([
        {
          name: 'types.positive',
          type: 'integer',
          checks: [{ name: 'positive_check', definition: 'CHECK ((VALUE > 0))' }],
        },
        {
          name: 'types.rating',
          type: 'types.positive',
          notNull: true,
          default: '3',
          checks: [{ name: 'at_most_five', definition: 'CHECK (((VALUE)::integer <= 5))' }],
          comment: 'One to five',
        },
      ])
    })

    it('of the extensions and sequences', async () => {
      const extensions = await ask(
        url,
        'select extname as name, extversion as version, extnamespace::regnamespace::text as schema from pg_catalog.pg_extension order by extname collate "C"',
      )
      expect(snapshot.extensions).toEqual(extensions)
      expect(schemaIn(snapshot, 'app').sequences).toEqual([
        {
          name: 'ticket',
          type: 'integer',
          start: '100',
          increment: '5',
          min: '10',
          max: '1000',
          cache: '4',
          cycle: true,
          comment: 'Numbers of tickets',
        },
      ])
      const all = await readCatalog(url)
      expect(schemaIn(all, 'app').sequences?.find(({ name }) => name === 'orders_serial_number_seq')).toMatchObject({
        type: 'integer',
        max: '2147483647',
        ownedBy: { relation: 'orders', column: 'serial_number' },
      })
    })
  })

  it('has the types in PostgreSQL’s notation, and lists in each schema the types that its columns use', () => {
    const types = relationIn(snapshot, 'app', 'customers').columns.map(({ name, type }) => `${name} ${type}`)
    expect(types).toEqual([
      'id bigint',
      'email public.citext',
      'code app.code',
      'name text',
      'mood types.mood',
      'moods types.mood[]',
      'rating types.rating',
      'pair app.pair',
      'touched text',
      'price numeric(10,2)',
      'at timestamp(3) with time zone',
      'initial character(1)',
      'legacy_id integer',
      'bits bit varying(5)',
      'span interval day to second(2)',
      'since timestamp with time zone',
      'ratio double precision',
      'born date',
      'bytes bytea',
      'list integer[]',
    ])
    const app = schemaIn(snapshot, 'app')
    expect(app.enums?.map(({ name }) => name)).toEqual(['app.stage', 'types.mood'])
    expect(app.domains?.map(({ name }) => name)).toEqual(['app.code', 'types.positive', 'types.rating'])
  })

  it('has foreign keys by columns, target and actions', () => {
    const keys = (name: string) =>
      relationIn(snapshot, 'app', name).constraints?.filter(({ kind }) => kind === 'foreign_key')
    expect(keys('orders')).toMatchObject([
      {
        columns: ['customer_id'],
        references: {
          schema: 'app',
          relation: 'customers',
          columns: ['id'],
          onUpdate: 'cascade',
          onDelete: 'restrict',
        },
      },
    ])
    expect(keys('lines')).toMatchObject([
      { columns: ['customer_id', 'number'], references: { columns: ['customer_id', 'number'], onDelete: 'set_null' } },
      { columns: ['parent'], references: { relation: 'lines', onDelete: 'set_default', onUpdate: 'no_action' } },
    ])
    expect(keys('event_notes')).toHaveLength(1)
  })

  it('has row-level security, comments, foreign servers and unusual names', () => {
    expect(relationIn(snapshot, 'app', 'secrets')).toMatchObject({ rowSecurity: true, rowSecurityForced: true })
    expect(relationIn(snapshot, 'app', 'secured')).toMatchObject({ rowSecurity: true })
    expect(relationIn(snapshot, 'app', 'secured').rowSecurityForced).toBeUndefined()
    expect(relationIn(snapshot, 'app', 'customers').comment).toBe('Those who buy')
    expect(relationIn(snapshot, 'app', 'customers').columns[1]?.comment).toBe(
      "Where they are reached; 'quoted' and\non two lines",
    )
    expect(relationIn(snapshot, 'app', 'remote')).toMatchObject({ kind: 'foreign_table', server: 'elsewhere' })
    expect(relationIn(snapshot, 'app', 'nothing').columns).toEqual([])
    expect(relationIn(snapshot, ODD, 'Table with 🐘,\nand a newline').columns.map(({ name }) => name)).toEqual([
      'Column "x"',
      'sélect',
      '__proto__',
    ])
  })

  it('folds partitions into their table, in any schema, and estimates them together', async () => {
    expect(relations().filter(({ name }) => name.startsWith('events'))).toHaveLength(1)
    const events = snapshot.observed.estimates
      .find(({ schema }) => schema === 'app')
      ?.relations.find(({ name }) => name === 'events')
    expect(events).toMatchObject({ name: 'events', partitions: 3 })
    await query(url, `insert into app.events select '2025-02-02', 'k' || n from generate_series(1, 1000) n; analyze`)
    const again = await readCatalog(reader)
    const after = again.observed.estimates
      .find(({ schema }) => schema === 'app')
      ?.relations.find(({ name }) => name === 'events')
    expect(after?.rows).toBe(1000)
    expect(after?.bytes).toBeGreaterThan(65_536)
    expect(fingerprintOf(again)).toBe(fingerprintOf(snapshot))
  })

  it('omits objects that the role may not see, down to columns, and counts them', () => {
    const names = relations().map(({ schema, name }) => `${schema}.${name}`)
    expect(names).not.toContain('app.unseen')
    expect(snapshot.schemas.map(({ name }) => name)).toEqual([ODD, 'app', 'auth', 'public', 'types'])
    const partly: Relation = relationIn(snapshot, 'app', 'by_column')
    expect(partly.columns).toEqual([
      { name: 'open', type: 'text', notNull: true, may: ['select'] },
      { name: 'writable', type: 'text', may: ['insert', 'update'] },
    ])
    expect(partly.constraints?.map(({ name }) => name)).toEqual(['by_column_pkey', 'by_column_writable_key'])
    expect(partly.indexes?.map(({ name }) => name)).toEqual(['by_column_open_idx'])
    expect(partly.may).toBeUndefined()
    expect(snapshot.observed.hidden).toEqual({ schemas: 1, relations: 2, columns: 1, sequences: 1 })
    expect(JSON.stringify(snapshot)).not.toContain('behind')
  })

  it('omits the excluded schemas, and requests exactly the named ones', async () => {
    const without = await readCatalog(reader, { schemas: null, excludedSchemas: ['auth', 'app', 'not there'] })
    expect(without.schemas.map(({ name }) => name)).toEqual([ODD, 'public', 'types'])
    expect(without.excludedSchemas).toEqual(['app', 'auth', 'not there'])
    const asked = await readCatalog(reader, { schemas: [ODD, 'auth'], excludedSchemas: ['auth'] })
    expect(asked.schemas.map(({ name }) => name)).toEqual([ODD, 'auth'])
    expect(asked).toMatchObject({ schemasAsked: [ODD, 'auth'], excludedSchemas: [], findings: [] })
  })

  it('reports an unknown, a closed and a system schema as a finding', async () => {
    const found = await readCatalog(reader, {
      schemas: ['types', 'nowhere', 'locked', 'pg_catalog', 'information_schema'],
      excludedSchemas: [],
    })
    expect(found.schemas.map(({ name }) => name)).toEqual(['types'])
    expect(found.findings).toEqual([
      { schema: 'information_schema', finding: 'system' },
      { schema: 'locked', finding: 'no_usage' },
      { schema: 'nowhere', finding: 'unknown' },
      { schema: 'pg_catalog', finding: 'system' },
    ])
  })

  it('is the same under any settings of the role', async () => {
    const before = `set search_path = app, types, public; set standard_conforming_strings = off; set quote_all_identifiers = on; set timezone = 'Asia/Kolkata';
      set intervalstyle = 'iso_8601';
      set bytea_output = 'escape'; set datestyle = 'sql, dmy'; set extra_float_digits = -5`
    const other = await readCatalog(reader, undefined, { before })
    expect(fingerprintOf(other)).toBe(fingerprintOf(snapshot))
  })

  it("reports the owner's permissions as the owner's", async () => {
    const own = await readCatalog(url, { schemas: ['app'], excludedSchemas: [] })
    expect(relationIn(own, 'app', 'unseen').may).toEqual(['select', 'insert', 'update', 'delete'])
    expect(own.observed.hidden).toEqual({ schemas: 0, relations: 0, columns: 0, sequences: 0 })
  })

  it.runIf(major >= 18)('has virtual columns, temporal keys and unenforced checks', () => {
    const latest = relationIn(snapshot, 'app', 'latest')
    expect(latest.columns[2]).toEqual({ name: 'twice', type: 'integer', generated: '(id * 2)', virtual: true })
    expect(latest.constraints).toEqual([
      { name: 'latest_label_key', kind: 'unique', columns: ['label'], definition: 'UNIQUE NULLS NOT DISTINCT (label)' },
      {
        name: 'latest_pkey',
        kind: 'primary_key',
        columns: ['id', 'during'],
        definition: 'PRIMARY KEY (id, during WITHOUT OVERLAPS)',
      },
      { name: 'lax', kind: 'check', columns: ['unchecked'], definition: 'CHECK ((unchecked > 0)) NOT ENFORCED' },
    ])
  })
})

function json(value: object): string {
  return JSON.stringify(Object.entries(value).sort())
}

function quotedIdentifier(name: string): string {
  return /^[a-z_][a-z_0-9]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

function quotedName(schema: string, name: string): string {
  return `${quotedIdentifier(schema)}.${quotedIdentifier(name)}`
}
