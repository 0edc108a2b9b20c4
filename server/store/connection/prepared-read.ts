/**
 * Reads whose SQL is compiled once: the query builder runs with markers in place of values, so that a request pays
 * nothing for building and compiling a statement. They run in a lane if the database has lanes; in a transaction, and
 * elsewhere, like any other statement.
 */
import {
  type Compilable,
  CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { Lanes } from './lanes.ts'
import { createStatementNames, preparedReads } from './prepared.ts'
import type { NamedStatement } from './row-reader.ts'
import { statementScope } from './statement.ts'

/** The lanes of a database. A transaction on it has none. */
const LANES = Symbol('lanes')

/** Makes the prepared reads of a database run in lanes. */
export function useLanes(db: Db, lanes: Lanes): void {
  Object.assign(db, { [LANES]: lanes })
}

/** A read with its values by name. Returns its rows. */
export type PreparedRead<P, R> = (db: Db, values: P) => Promise<R[]>

/** Compiles statements and runs none. */
const builder = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: db => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

const nameOf = createStatementNames()

/** A marker for a value during compilation. */
class Mark {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

interface Made extends NamedStatement {
  readonly parameters: readonly unknown[]
}

/**
 * Prepares the read that `build` returns. `build` is called once, with markers instead of values: it must pass them to
 * the query builder unchanged and must not branch on them. A read of many rows is `long`: in a lane, short ones would
 * wait behind it.
 */
export function preparedRead<P extends object, R>(
  build: (db: Db, values: P) => Compilable<R>,
  length: 'short' | 'long' = 'short',
): PreparedRead<P, R> {
  let made: Made | null = null
  return async (db, values) => {
    made ??= make(build)
    const given: unknown[] = []
    for (const one of made.parameters) given.push(one instanceof Mark ? Reflect.get(values, one.name) : one)
    // No other code has the symbol.
    const lanes = length === 'long' ? undefined : (Reflect.get(db, LANES) as Lanes | undefined)
    // A caller with a deadline shorter than the default gets a connection of its own.
    const rows =
      lanes === undefined || (statementScope()?.deadlineMs ?? null) !== null
        ? (await db.executeQuery(CompiledQuery.raw(made.text, given))).rows
        : await lanes.read(made, given)
    return rows as R[] // the builder's row type for this statement
  }
}

function make<P extends object, R>(build: (db: Db, values: P) => Compilable<R>): Made {
  const marks = new Proxy({}, { get: (_, name) => new Mark(String(name)) })
  const { sql: text, parameters } = build(builder, marks as P).compile() // `build` inspects none of them
  const name = nameOf(text)
  if (name === undefined) throw new Error('there are more prepared reads than names')
  preparedReads.note(text)
  return { name, text, parameters }
}
