/**
 * Reads whose text is made once: by the query builder from marks in the place of values, so that building and compiling a
 * statement costs no request anything. They run in a lane where the database has lanes, and like any other statement in a
 * transaction and elsewhere.
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
import type { Lanes, NamedStatement } from './lanes.ts'
import { createStatementNames } from './prepared.ts'
import { statementScope } from './statement-scope.ts'

/** The lanes of a database. A transaction on it has none. */
const LANES = Symbol('lanes')

/** Lets the prepared reads of a database run in lanes. */
export function useLanes(db: Db, lanes: Lanes): void {
  Object.assign(db, { [LANES]: lanes })
}

/** A read with its values by name. Returns its rows. */
export type PreparedRead<P, R> = (db: Db, values: P) => Promise<R[]>

/** Makes statements and runs none. */
const builder = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: db => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

const nameOf = createStatementNames()

/** The place of a value in a text that is being made. */
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
 * A read that `build` makes. It is called once, with marks in the place of the values: it must hand them to the builder as they
 * are, and decide nothing by them.
 */
export function preparedRead<P extends object, R>(build: (db: Db, values: P) => Compilable<R>): PreparedRead<P, R> {
  let made: Made | null = null
  return async (db, values) => {
    made ??= make(build)
    const { parameters } = made
    const given = parameters.map(one => (one instanceof Mark ? Reflect.get(values, one.name) : one))
    const lanes = Reflect.get(db, LANES) as Lanes | undefined // nobody else has the symbol
    // A caller with a shorter deadline than usual gets a connection of its own.
    const rows =
      lanes === undefined || (statementScope()?.deadlineMs ?? null) !== null
        ? (await db.executeQuery(CompiledQuery.raw(made.text, given))).rows
        : await lanes.read(made, given)
    return rows as R[] // the builder's type of the very statement
  }
}

function make<P extends object, R>(build: (db: Db, values: P) => Compilable<R>): Made {
  const marks = new Proxy({}, { get: (_, name) => new Mark(String(name)) })
  const { sql: text, parameters } = build(builder, marks as P).compile() // it looks at none of them
  const name = nameOf(text)
  if (name === undefined) throw new Error('there are more prepared reads than names')
  return { name, text, parameters }
}
