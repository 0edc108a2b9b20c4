/** The outputs of a snapshot: SQL that recreates the schema, types for Kysely, and a diagram. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseSync } from 'oxc-parser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { narrowed } from '#client/cli/schema/narrow.ts'
import { schemaMermaid } from '#client/cli/schema-mermaid.ts'
import { schemaSql } from '#client/cli/schema-sql.ts'
import { schemaTypes } from '#client/cli/schema-types.ts'
import { drift } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { installedMajors, query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { everyFeature, fingerprintOf, readCatalog } from '#test/support/schemas/catalog.ts'
import { oneTable, snapshot } from '#test/support/schemas/snapshots.ts'

const run = promisify(execFile)
const oldest = installedMajors()[0] ?? 18
const PG_DUMP = '/usr/lib/postgresql/15/bin/pg_dump'

// A snapshot holds no body of a function, and so no default that calls it.
const WITHOUT_FUNCTION = 'alter table app.customers alter column touched drop default; drop function app.touch()'

describe.each([...new Set([18 as const, oldest])])('the SQL of a snapshot, on PostgreSQL %i', major => {
  let server: TestServer
  let original: string
  let copy: string
  let before: Snapshot

  beforeAll(async () => {
    server = await startServer({ major })
    original = await everyFeature(server, major)
    await query(original, WITHOUT_FUNCTION)
    before = await readCatalog(original)
    copy = await server.createDatabase('copy')
    await query(copy, schemaSql(before))
  })
  afterAll(() => server?.stop())

  it('creates a database whose snapshot has the same fingerprint', async () => {
    const after = await readCatalog(copy)
    expect(drift(before, after)).toEqual([])
    expect(fingerprintOf(after)).toBe(fingerprintOf(before))
  })

  it.runIf(major <= 15 && existsSync(PG_DUMP))(
    'creates a database that pg_dump cannot distinguish from the original',
    async () => {
      const dump = async (url: string) => {
        const options = [
          '--schema-only',
          '--no-owner',
          '--no-privileges',
          '--exclude-table=*.events_20*',
          `--dbname=${url}`,
        ]
        const { stdout } = await run(PG_DUMP, options)
        // The key in \restrict is random.
        return stdout.replace(/^\\(un)?restrict .*$/gm, '').split('\n')
      }
      expect(await dump(copy)).toEqual(await dump(original))
      expect((await dump(original)).length).toBeGreaterThan(400)
    },
  )
})

describe('the SQL of a snapshot', () => {
  it('runs although the snapshot lacks some of the objects that it mentions', async () => {
    const server = await startServer()
    try {
      const url = await server.createDatabase('partial')
      await query(
        url,
        `create schema app; create schema auth; create schema extensions; create extension citext schema extensions;
        create table auth.users (id int primary key);
        create schema hidden; create sequence hidden.ids;
        create table app.drawn (id int default nextval('hidden.ids'));
        create table app.invoices_raw (id serial primary key, user_id int references auth.users, note extensions.citext);
        create view app.clean_rows as select id, note from app.invoices_raw;
        create view app.invoices as select id from app.clean_rows;
        create view app."values" as select id from app.invoices;
        create view app.b as select id from app."values";
        create view app.a as select id from app.b;
        create view app.long as select '${'x'.repeat(9_000)}'::text as a;
        create role clerk login password 'clerk'; grant usage on schema app, extensions to clerk;
        grant select on all tables in schema app to clerk`,
      )
      const clerk = Object.assign(new URL(url), { username: 'clerk', password: 'clerk' }).href
      const partial = await readCatalog(clerk, { schemas: null, excludedSchemas: ['auth', 'extensions'] })
      const text = schemaSql(partial)
      expect(text).toMatch(/^-- Incomplete in the snapshot:\n-- alter table app.invoices_raw$/m)
      expect(text).toMatch(/^-- Incomplete in the snapshot:\n-- create view app.long as$/m)
      const again = await server.createDatabase('again')
      await query(again, text)
      const views = 'select viewname from pg_catalog.pg_views where schemaname = $$app$$ order by 1'
      expect((await query(again, views)).map(row => row['viewname'])).toEqual([
        'a',
        'b',
        'clean_rows',
        'invoices',
        'values',
      ])
    } finally {
      await server.stop()
    }
  })

  it('is printable for any names and comments', () => {
    const text = schemaSql(oneTable({ name: 'a"\u001b[2J\r\nb', comment: "it's \u001b]0;x\u0007 \\ done\nand on" }))
    expect(text).toContain(String.raw`U&"a""\001b[2J\000d\000ab"`)
    expect(text).toContain(`${String.raw`E'it''s \u001b]0;x\u0007 \\ done`}\nand on'`)
    expect(text).not.toMatch(/[^\P{Cc}\n]/u)
  })
})

describe('the types of a snapshot', () => {
  const typed = () =>
    snapshot({
      schemas: [
        {
          name: 'public',
          enums: [{ name: 'public.mood', labels: ['sad', 'it\'s "fine"'] }],
          domains: [
            { name: 'public.email', type: 'text', notNull: true },
            { name: 'public.score', type: 'numeric(4,1)', default: '0' },
          ],
          relations: [
            {
              name: 'orders',
              kind: 'table',
              comment: 'What was\nordered */ process.exit(7) /*',
              columns: [
                { name: 'id', type: 'bigint', notNull: true, identity: 'always' },
                { name: 'legacy', type: 'integer', notNull: true, identity: 'by_default' },
                { name: 'mood', type: 'public.mood' },
                { name: 'moods', type: 'public.mood[]', notNull: true },
                { name: 'email', type: 'public.email' },
                { name: 'score', type: 'public.score' },
                { name: 'at', type: 'timestamp(3) with time zone', notNull: true, default: 'now()' },
                { name: 'tags', type: 'text[]', notNull: true },
                { name: 'amounts', type: 'numeric(10,2)[]' },
                { name: 'span', type: 'interval day to second(2)' },
                { name: 'place', type: 'point' },
                { name: 'extra', type: 'jsonb' },
                { name: 'whole', type: 'text', generated: 'upper(x)' },
                { name: '__proto__', type: 'bytea' },
              ],
            },
            { name: 'constructor', kind: 'view', columns: [{ name: 'odd "name"', type: 'citext' }] },
            { name: 'Constructor', kind: 'materialized_view', columns: [{ name: 'n', type: 'bigint' }] },
          ],
        },
        {
          name: 'sales',
          relations: [
            { name: 'orders', kind: 'table', columns: [] },
            { name: '🐘', kind: 'table', columns: [] },
          ],
        },
      ],
    })

  it('compile, and match what pg reads and writes', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'mooring-types-'))
    try {
      await symlink(join(import.meta.dirname, '../../node_modules'), join(dir, 'node_modules'))
      await writeFile(join(dir, 'schema.ts'), schemaTypes(typed()))
      await writeFile(join(dir, 'use.ts'), USE)
      const options = {
        strict: true,
        noEmit: true,
        module: 'nodenext',
        target: 'es2024',
        types: ['node'],
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        noUnusedLocals: true,
        exactOptionalPropertyTypes: true,
      }
      await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
      await writeFile(join(dir, 'package.json'), '{"type":"module"}')
      const tsc = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc')
      const found = await run(process.execPath, [tsc, '-p', dir]).catch((error: Error & { stdout: string }) => ({
        stdout: `${error.message}${error.stdout}`,
      }))
      expect(found.stdout).toBe('')
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  it('hold nothing but types, for any names, labels and comments', () => {
    const { program, errors } = parseSync('schema.ts', schemaTypes(typed()))
    expect(errors).toEqual([])
    const kinds = program.body.map(node =>
      node.type === 'ExportNamedDeclaration' ? node.declaration?.type : node.type,
    )
    expect(new Set(kinds)).toEqual(new Set(['ImportDeclaration', 'TSTypeAliasDeclaration', 'TSInterfaceDeclaration']))
  })

  it('promise no value that pg does not return, and no name that Kysely cannot express', () => {
    const columns = [
      { name: 'extra', type: 'jsonb' },
      { name: 'word', type: 'intervals.citext' },
    ]
    const text = schemaTypes(
      snapshot({
        schemas: [
          { name: 'public', relations: [{ name: 'sales.orders', kind: 'table', columns }] },
          { name: 'sales', relations: [{ name: 'orders', kind: 'table', columns: [] }] },
        ],
      }),
    )
    const taken = 'string | { [key: string]: Json } | null'
    expect(text).toContain(`  extra: ColumnType<Json | null, ${taken}, ${taken}>\n  word: string | null\n`)
    expect(text).toMatch(/export interface Database \{\n {2}"sales\.orders": SalesOrdersTable\n\}/)
  })

  it('have a distinct name for each relation', () => {
    const names = [...schemaTypes(typed()).matchAll(/export interface (\S+)/g)].map(match => match[1])
    expect(names).toEqual([
      'Interval',
      'OrdersTable',
      'ConstructorTable',
      'PublicConstructorTable',
      'SalesOrdersTable',
      'Sales_Table',
      'Database',
    ])
  })
})

describe('the diagram of a snapshot', () => {
  const table = (name: string, columns: object[], constraints: object[] = []) => ({
    name,
    kind: 'table',
    columns,
    constraints,
  })
  const id = { name: 'id', type: 'integer', notNull: true }
  const key = { name: 'k', kind: 'primary_key', columns: ['id'] }
  const refer = (columns: string[]) => ({
    name: `to_${columns.join('_')}`,
    kind: 'foreign_key',
    columns,
    references: {
      schema: 'public',
      relation: 'customers',
      columns: ['id'],
      onUpdate: 'no_action',
      onDelete: 'no_action',
    },
  })

  it('shows columns with their keys, and references with their cardinality', () => {
    const text = schemaMermaid(
      snapshot({
        schemas: [
          {
            name: 'public',
            relations: [
              table('customers', [id, { name: 'e-mail', type: 'character varying(40)' }], [key]),
              table('orders', [id, { name: 'customer', type: 'integer' }], [key, refer(['customer'])]),
              table('profiles', [id], [key, refer(['id'])]),
            ],
          },
        ],
      }),
    )
    expect(text).toBe(`erDiagram
  "customers" {
    integer id PK "not null"
    character_varying(40) e_mail "e-mail"
  }
  "orders" {
    integer id PK "not null"
    integer customer FK
  }
  "profiles" {
    integer id PK, FK "not null"
  }
  "orders" }o--o| "customers" : "to_customer"
  "profiles" |o--|| "customers" : "to_id"
`)
  })

  it('reports that it is larger than Mermaid draws by default, and how to narrow it', () => {
    const many = Array.from({ length: 600 }, (_, at) => table(`t${at}`, [id], [key, refer(['id'])]))
    const whole = snapshot({ schemas: [{ name: 'public', relations: [table('customers', [id], [key]), ...many] }] })
    expect(schemaMermaid(whole)).toMatch(
      /^%% This is more than Mermaid draws by default .*\n%% Narrow it with --schema/,
    )
    const one = schemaMermaid(narrowed(whole, { table: 't7' }))
    expect(one).toMatch(/^erDiagram\n {2}"customers" \{/)
    expect(one.match(/\{$/gm)).toHaveLength(2)
    expect(narrowed(whole, { table: 'customers' }).schemas[0]?.relations).toHaveLength(601)
    expect(narrowed(whole, { schema: 'nowhere' }).schemas).toEqual([])
  })

  it('follows the grammar of Mermaid for any names', () => {
    const odd = ['a"b', 'a%b', 'line\nbreak', 'back\\slash', '🐘', 'pk', 'fk[]', '1st', '', '}']
    const text = schemaMermaid(
      snapshot({
        schemas: [
          {
            name: 'x y',
            relations: odd.map(name =>
              table(
                name,
                odd.map(column => ({ name: column, type: column })),
              ),
            ),
          },
        ],
      }),
    )
    const entity = /^ {2}"[^"%\r\n\v\b\\]+" \{$/
    const attribute =
      /^ {4}(?!(?:pk|fk|uk)\b)[A-Za-z_][A-Za-z0-9_[\]()]* (?!(?:pk|fk|uk)\b)[A-Za-z_][A-Za-z0-9_[\]()]*( "[^"]*")?$/i
    const lines = text.trimEnd().split('\n').slice(1)
    for (const line of lines) expect(entity.test(line) || attribute.test(line) || line === '  }', line).toBe(true)
    expect(new Set(lines.filter(line => entity.test(line))).size).toBe(odd.length)
  })
})

const USE = `import type { Insertable, Selectable, Updateable } from 'kysely'
import type { ArrayOf, Database, Interval, Json } from './schema.ts'
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const yes = <T extends true>(): T | undefined => undefined
type Row = Selectable<Database['orders']>
type New = Insertable<Database['orders']>
yes<Same<Row['id'], string>>()
yes<Same<Row['mood'], 'sad' | 'it\\'s "fine"' | null>>()
yes<Same<Row['moods'], string>>()
yes<Same<Row['email'], string>>()
yes<Same<Row['score'], string | null>>()
yes<Same<Row['at'], Date | number>>()
yes<Same<Row['tags'], ArrayOf<string>>>()
yes<Same<Row['amounts'], ArrayOf<number> | null>>()
yes<Same<Row['span'], Interval | null>>()
yes<Same<Row['place'], { x: number; y: number } | null>>()
yes<Same<Row['extra'], Json | null>>()
yes<Same<Row['__proto__'], Buffer | null>>()
yes<Same<Selectable<Database['constructor']>['odd "name"'], string | null>>()
yes<Same<keyof Insertable<Database['Constructor']>, never>>()
yes<Same<keyof Database, 'orders' | 'constructor' | 'Constructor' | 'sales.orders' | 'sales.🐘'>>()
export const row: New = { moods: '{sad}', email: 'a@b', tags: ['x'], amounts: [1, '2.5'], score: 3, place: '(1,2)' }
export const change: Updateable<Database['orders']> = { at: '2025-01-01', legacy: 4 }
// @ts-expect-error an identity that is always generated cannot be given
export const wrong: New = { ...row, id: '1' }
// @ts-expect-error a required column cannot be left out
export const short: New = { moods: '{}', email: 'a' }
`
