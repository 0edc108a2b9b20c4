/**
 * Compares printed types with the values that `pg` returns: a column, an array and a nested array of every type of a
 * server, with edge cases, are selected, and the TypeScript compiler checks that each value has the printed type.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schemaTypes } from '#client/cli/schema-types.ts'
import { installedMajors, query, quoted, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { readCatalog } from '#test/support/schemas/catalog.ts'
import { SAMPLES } from '#test/support/schemas/pg-samples.ts'

const MAJORS = ([13, 15, 18] as const).filter(major => installedMajors().includes(major))
const EXTENSIONS = ['citext', 'hstore', 'ltree', 'cube', 'seg', 'isn', 'lo', 'intarray']
const MAKE = `
  create type mood as enum ('sad', 'it''s "ok"');
  create domain score as numeric(4, 1);
  create domain words as text[];
  create domain feeling as mood;
  create domain moment as timestamptz;
  create type pair as (a int, b text);
  create type text_span as range (subtype = text);
  ${EXTENSIONS.map(name => `create extension ${name};`).join('\n')}`

/** Every type that a table column can have, once; the number types of isn are all alike. */
const TYPES = `select t.typname as name, t.oid::regtype::text as type, t.typtype as kind,
    t.typarray <> 0 as "hasArray"
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
  where t.typisdefined and t.typtype in ('b', 'd', 'e', 'c', 'r', 'm') and t.typcategory <> 'A'
    and n.nspname in ('pg_catalog', 'public')
    and (t.typrelid = 0 or n.nspname = 'public' and exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
    and t.typname not in ('ean13', 'isbn13', 'ismn13', 'issn13', 'ismn', 'issn', 'upc', 'gbtreekey')
    and not exists (select from pg_depend d where d.objid = t.oid and d.deptype = 'e' and t.typname like '%gist%'
      or d.objid = t.oid and d.deptype = 'e' and t.typname in ('ghstore', 'ltree_gist', 'intbig_gkey'))
  order by 1`

interface Type {
  readonly name: string
  readonly type: string
  readonly hasArray: boolean
}

/** Returns a TypeScript expression for the value. */
function expression(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (value instanceof Date) return 'new Date(0)'
  if (Buffer.isBuffer(value)) return "Buffer.from('')"
  if (Array.isArray(value)) return `[${value.map(expression).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${expression(one)}`)
  const methods = 'toPostgres' in value ? ["toPostgres: () => ''", "toISOString: () => ''"] : []
  return `{ ${[...members, ...methods].join(', ')} }`
}

/** Returns SQL for a table of each type, with rows of one column each. */
function table({ name, type, hasArray }: Type, samples: readonly string[]): string {
  const literals = samples.map(sample => `(${sample})::${type}`)
  const arrays = hasArray
    ? ["'{}'", 'array[null]', ...literals.flatMap(it => [`array[${it}, null]`, `array[[${it}, ${it}], [null, ${it}]]`])]
    : []
  const rows = (column: string, values: readonly string[], as: string) =>
    values.map(value => `insert into ${quoted(`t_${name}`)} (${column}) values ((${value})::${as});`)
  return [
    `create table ${quoted(`t_${name}`)} (s ${type}${hasArray ? `, a ${type}[], b ${type}[][] not null default '{}'` : ''});`,
    ...rows('s', ['null', ...literals], type),
    ...(hasArray ? [...rows('a', ['null', ...arrays], `${type}[]`), ...rows('b', arrays, `${type}[]`)] : []),
  ].join('\n')
}

/** Returns the distinct values of a table's columns. */
async function valuesIn(client: pg.Client, { name, hasArray }: Type): Promise<[column: string, text: string][]> {
  const { rows } = await client.query<Record<string, unknown>>(`select * from ${quoted(`t_${name}`)}`)
  return (hasArray ? ['s', 'a', 'b'] : ['s']).flatMap(column =>
    [...new Set(rows.map(row => expression(row[column])))].map((text): [string, string] => [column, text]),
  )
}

/**
 * Returns a program that compiles if each value has the type of its column, and if no column type accepts everything.
 */
function program(found: readonly { readonly type: Type; readonly values: readonly [string, string][] }[]): string {
  const lines = found.flatMap(({ type, values }) => {
    const row = `Selectable<Database[${JSON.stringify(`t_${type.name}`)}]>`
    const columns = [...new Set(values.map(([column]) => column))]
    return [
      ...values.map(([column, text]) => `take<${row}['${column}']>(${text})`),
      ...columns.map(column => `// @ts-expect-error\ntake<${row}['${column}']>(Symbol())`),
    ]
  })
  const head = "import type { Selectable } from 'kysely'\nimport type { Database } from './database.ts'\n"
  return `${head}const take = <T>(value: T) => value\n${lines.join('\n')}\n`
}

/**
 * Returns the compiler's errors for a program; an empty text if there are none. It is inside the repository, so that
 * Kysely is found.
 */
async function compiled(types: string, use: string): Promise<string> {
  const parent = join(process.cwd(), '.data')
  await mkdir(parent, { recursive: true })
  const dir = await mkdtemp(join(parent, 'types-'))
  try {
    await writeFile(join(dir, 'database.ts'), types)
    await writeFile(join(dir, 'use.ts'), use)
    const compilerOptions = {
      ...{ strict: true, noEmit: true, module: 'nodenext', target: 'es2024', types: ['node'], skipLibCheck: true },
      ...{ allowImportingTsExtensions: true, exactOptionalPropertyTypes: true },
    }
    await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    return await new Promise(resolve => {
      execFile(process.execPath, ['node_modules/typescript/bin/tsc', '-p', dir], (error, stdout, stderr) =>
        resolve(error === null ? '' : `${stdout}${stderr}${error.message}`),
      )
    })
  } finally {
    await rm(dir, { recursive: true })
  }
}

describe.each(MAJORS)('on PostgreSQL %i', major => {
  let server: TestServer
  let url: string
  const known: Type[] = []

  beforeAll(async () => {
    server = await startServer({ major })
    url = await server.createDatabase('typed')
    await query(url, MAKE)
    // Sound: the columns of the query.
    known.push(...((await query(url, TYPES)) as unknown as Type[]))
  })
  afterAll(() => server?.stop())

  it('has no type without a sample', () => {
    expect(known.map(({ name }) => name).filter(name => !Object.hasOwn(SAMPLES, name))).toEqual([])
    expect(known.length).toBeGreaterThan(80)
  })

  it('returns values of the printed types, and no printed type accepts everything', async () => {
    for (const type of known) {
      const samples = SAMPLES[type.name] ?? []
      // A server built without libxml has the type but reads no value of it.
      await query(url, table(type, samples)).catch(async (error: Error) => {
        if (type.name !== 'xml') throw new Error(`${type.name}: ${error.message}`)
        await query(url, table(type, []))
      })
    }
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const found: { type: Type; values: [string, string][] }[] = []
    for (const type of known) found.push({ type, values: await valuesIn(client, type) })
    await client.end()
    const types = schemaTypes(await readCatalog(url))
    expect(await compiled(types, program(found))).toBe('')
  })
})

describe('the comparison itself', () => {
  const DATABASE = 'export interface Database { t_x: { s: number | null } }\n'
  const type = { name: 'x', type: 'x', hasArray: false }

  it('fails for a value of another type, and for a type that accepts everything', async () => {
    expect(await compiled(DATABASE, program([{ type, values: [['s', '1']] }]))).toBe('')
    expect(await compiled(DATABASE, program([{ type, values: [['s', '"1"']] }]))).toContain('TS2345')
    expect(await compiled(DATABASE.replace('number', 'unknown'), program([{ type, values: [['s', '1']] }]))).toContain(
      'TS2578',
    )
  })
})
