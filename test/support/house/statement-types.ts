/**
 * Compares the declared columns of the store's raw statements with PostgreSQL's own description: each `sql<…>` of the
 * product that is a whole statement, the statements that the store compiles, and their description by the server. Used
 * by `test/house/statement-types.test.ts`.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import { Visitor } from 'oxc-parser'
import type pg from 'pg'
import type { Db } from '#server/store/tables/tables.ts'
import type { Source } from '#test/support/house/architecture/source.ts'
import { columnsOf } from './row-types.ts'

/** A raw statement whose rows have a type. */
export interface TypedStatement {
  readonly place: string
  /** Column → its type in the code; null where the type of the rows is computed. */
  readonly columns: Readonly<Record<string, string>> | null
  /** Its text, split at interpolated values. */
  readonly pieces: readonly string[]
}

/** A text that is a statement by itself; others are parts of one. */
const STATEMENT = /^\s*(?:select|with|insert|update|delete)\b/i

/** The raw statements of one file; `sources` have the types of their rows. */
export function typedStatements(source: Source, sources: readonly Source[]): TypedStatement[] {
  const found: TypedStatement[] = []
  new Visitor({
    TaggedTemplateExpression(node) {
      const [type] = node.typeArguments?.params ?? []
      if (node.tag.type !== 'Identifier' || node.tag.name !== 'sql' || type === undefined) return
      const isWhole = STATEMENT.test(node.quasi.quasis[0]?.value.cooked ?? '')
      if (!isWhole && type.type !== 'TSTypeLiteral') return
      const pieces = node.quasi.quasis.map(quasi => quasi.value.cooked ?? '').filter(piece => piece.trim() !== '')
      const place = `${source.path}:${source.lineOf(node.start)}`
      found.push({ place, columns: columnsOf(type, { source, sources }), pieces })
    },
  }).visit(source.program)
  return found
}

/** Whether a compiled text comes from a statement: it has its pieces, in their order, and begins and ends with them. */
export function isOf(statement: TypedStatement, text: string): boolean {
  let at = 0
  for (const piece of statement.pieces) {
    const index = text.indexOf(piece, at)
    if (index < 0 || (at === 0 && index > 0)) return false
    at = index + piece.length
  }
  return true
}

/** A possible row of a statement, by the column types in the code. */
function row({ columns }: TypedStatement): Record<string, unknown> {
  const value = (type: string): unknown =>
    /number/.test(type)
      ? 1
      : /boolean/.test(type)
        ? true
        : /Date/.test(type)
          ? new Date(0)
          : '01900000-0000-7000-8000-000000000001'
  if (columns === null) return ANY_ROW
  return Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, value(type)]))
}

/** A row that has every column. */
const ANY_ROW: Record<string, unknown> = new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : 1) })

/**
 * A database that runs nothing: it records each statement, and returns one generated row; none for an unknown
 * statement.
 */
export function notingDb(statements: readonly TypedStatement[], noted: CompiledQuery[]): Db {
  class NotingDriver extends DummyDriver {
    override async acquireConnection(): Promise<DatabaseConnection> {
      return {
        async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
          noted.push(query)
          const of = statements.find(one => isOf(one, query.sql))
          // Sound: built from the row type of the statement; of an unknown statement, every value that is read is a
          // number.
          return { rows: statements.length === 0 ? [] : [(of === undefined ? ANY_ROW : row(of)) as R] }
        },
        async *streamQuery() {},
      }
    }
  }
  return new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new NotingDriver(),
      createIntrospector: inner => new PostgresIntrospector(inner),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
}

/** The server's description of a statement: the types of its parameters, and its columns. */
export interface Described {
  readonly parameters: readonly string[]
  readonly columns: Readonly<Record<string, string>>
}

/** Has the server describe a statement, by its catalog's names of types. Only `prepare` runs. */
export async function describe(client: pg.Client, text: string): Promise<Described> {
  await client.query(`prepare described as ${text}`)
  try {
    const { rows } = await client.query(
      "select parameter_types::text[] as parameters, result_types::text[] as results from pg_prepared_statements where name = 'described'",
    )
    const { parameters, results } = rows[0] ?? {}
    const names = await columnNames(client, text)
    return { parameters, columns: Object.fromEntries(names.map((name, place) => [name, results[place]])) }
  } finally {
    await client.query('deallocate described')
  }
}

/** The names of a statement's columns, by the protocol's own description of it. */
async function columnNames(client: pg.Client, text: string): Promise<readonly string[]> {
  const done = Promise.withResolvers<readonly string[]>()
  let names: readonly string[] = []
  client.query({
    submit(connection: { parse(message: object): void; describe(message: object): void; sync(): void }) {
      connection.parse({ name: '', text, types: [] })
      connection.describe({ type: 'S', name: '' })
      connection.sync()
    },
    handleRowDescription(message: { readonly fields: readonly { readonly name: string }[] }) {
      names = message.fields.map(field => field.name)
    },
    handleError: (error: Error) => done.reject(error),
    handleReadyForQuery: () => done.resolve(names),
  } as unknown as pg.Submittable) // `pg` calls these methods on every object that it is given to submit.
  return done.promise
}
