/**
 * How rows of our own database arrive: the values of their columns, and statements of a lane. It must return what the
 * driver alone returns, which tests compare, and only saves time: a list has hundreds of dates and arrays, and the
 * description of a row takes the server and this process longer than the row.
 *
 * Called by `lanes.ts`, by `own-connection.ts` for prepared reads, and by `db.ts` for the columns of every pool.
 */
import pg from 'pg'

const INT8 = 20
const TIMESTAMPTZ = 1184
const TEXT_ARRAY: number = 1009

const dateOf: (text: string) => Date | number | null = pg.types.getTypeParser(TIMESTAMPTZ)

/** The type parsers of our pools: `bigint` counters are returned as numbers (they stay far below 2^53). */
export const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return Number
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary')
    if (oid === TIMESTAMPTZ) return parseTimestamp
    return oid === TEXT_ARRAY ? parseTexts : pg.types.getTypeParser(oid)
  },
}

/**
 * A time. That of a session in UTC between the years 1000 and 9999 is read digit by digit, in milliseconds, which takes
 * a twentieth of the driver's regular expressions; any other is left to the driver.
 */
export function parseTimestamp(text: string): Date | number | null {
  const { length } = text
  const isUsual = length >= 22 && length <= 29 && text.endsWith('+00') && text[10] === ' ' && text[0] !== '0'
  if (!isUsual) return dateOf(text)
  // One function: a list calls it hundreds of times.
  const year = text.charCodeAt(0) * 1_000 + text.charCodeAt(1) * 100 + text.charCodeAt(2) * 10 + text.charCodeAt(3)
  const month = text.charCodeAt(5) * 10 + text.charCodeAt(6)
  const day = text.charCodeAt(8) * 10 + text.charCodeAt(9)
  const hour = text.charCodeAt(11) * 10 + text.charCodeAt(12)
  const minute = text.charCodeAt(14) * 10 + text.charCodeAt(15)
  const second = text.charCodeAt(17) * 10 + text.charCodeAt(18)
  // PostgreSQL leaves out zeros at the end of the fraction.
  const fraction = length === 22 ? 0 : Number(text.slice(19, Math.min(length - 3, 23))) * 1_000
  return new Date(
    Date.UTC(
      year - FOUR_ZEROS,
      month - 1 - TWO_ZEROS,
      day - TWO_ZEROS,
      hour - TWO_ZEROS,
      minute - TWO_ZEROS,
      second - TWO_ZEROS,
    ) + Math.round(fraction),
  )
}

/** The codes of zeros, read as a number of two and of four digits. */
const [TWO_ZEROS, FOUR_ZEROS] = [48 * 11, 48 * 1_111]

/** An array of texts. In most rows of a list it is that of the row before: parsed once, and each caller gets a copy. */
export const parseTexts = textsParser()

function textsParser(): (text: string) => string[] {
  const parse: (text: string) => string[] = pg.types.getTypeParser(TEXT_ARRAY)
  let last = { text: '{}', array: parse('{}') }
  return text => {
    if (text !== last.text) last = { text, array: parse(text) }
    return [...last.array]
  }
}

/** A statement that is prepared under a name, once per connection. */
export interface NamedStatement {
  readonly name: string
  readonly text: string
}

/** The columns of a prepared statement. */
interface Shape {
  readonly names: readonly string[]
  readonly parsers: readonly ((text: string) => unknown)[]
  /** A row with all columns in order, so that the rows share one hidden class. */
  readonly empty: Readonly<Record<string, unknown>>
}

/** The parts of a connection that are used here; the driver's types lack them. */
interface Wire {
  readonly parsedStatements: Readonly<Record<string, string>>
  readonly stream: { write(bytes: Uint8Array): boolean; readonly writable: boolean }
}

type Description = readonly { readonly name: string; readonly dataTypeID: number }[]

/** The shapes that a connection's statements were described with, by their names. */
export type Shapes = Map<string, Shape>

/** The surroundings of a statement: the shapes of its connection, the parsers of columns, and its end. */
export interface Running {
  readonly shapes: Shapes
  readonly parserOf: (oid: number) => (text: string) => unknown
  readonly resolve: (rows: readonly unknown[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * One execution in a lane. The server describes the columns of a prepared statement once for each connection instead of
 * at every execution, and a known statement is one message to the socket instead of four. It must not be used for
 * statements whose columns may change while they are prepared.
 */
export class LaneQuery extends pg.Query {
  readonly #name: string
  readonly #running: Running
  readonly #rows: unknown[]
  #shape: Shape | undefined
  /** The error of a value that could not be parsed. */
  #failed: unknown

  constructor(statement: NamedStatement, values: readonly unknown[], running: Running) {
    // Not as an object, which the driver would copy property by property.
    super(statement.text, [...values])
    Object.assign(this, { name: statement.name }) // a property that the driver's types lack
    this.#name = statement.name
    this.#running = running
    this.#rows = []
    // The driver's own prepares and describes. It is a property in the driver's types.
    const { submit } = this
    this.submit = connection => {
      const wire = connection as unknown as Wire // it has these parts since version 8
      this.#shape = running.shapes.get(statement.name)
      if (this.#shape === undefined || wire.parsedStatements[statement.name] === undefined)
        return submit.call(this, connection)
      if (wire.stream.writable) wire.stream.write(executionOf(statement.name, values))
      return null
    }
  }

  handleRowDescription({ fields }: { fields: Description }): void {
    const names = fields.map(({ name }) => name)
    this.#shape = {
      names,
      parsers: fields.map(({ dataTypeID }) => this.#running.parserOf(dataTypeID)),
      empty: Object.fromEntries(names.map(name => [name, null])),
    }
    this.#running.shapes.set(this.#name, this.#shape)
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const { names = [], parsers = [], empty } = this.#shape ?? {}
    const row = { ...empty }
    try {
      for (let at = 0; at < fields.length; at += 1) {
        const [text, name, parse] = [fields[at], names[at], parsers[at]]
        if (typeof text === 'string' && name !== undefined && parse !== undefined) row[name] = parse(text)
      }
    } catch (error) {
      // Thrown here, it would end the connection under all other statements.
      this.#failed ??= error
    }
    this.#rows.push(row)
  }

  handleReadyForQuery(): void {
    if (this.#failed === undefined) this.#running.resolve(this.#rows)
    else this.#running.reject(this.#failed)
  }

  handleError(error: Error): void {
    this.#running.reject(error)
  }
}

/** The messages Execute and Sync of the protocol, for the unnamed portal and all its rows. */
const EXECUTE_AND_SYNC = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4])
const BIND = 0x42
const [TEXT, BINARY] = [0, 1]

/** The messages Bind, Execute and Sync (PostgreSQL's manual, Message Formats) for a prepared statement. */
function executionOf(name: string, values: readonly unknown[]): Buffer {
  const given = values.map(parameterOf)
  let length = 15 + name.length + 6 * given.length
  for (const one of given) if (one !== null) length += typeof one === 'string' ? Buffer.byteLength(one) : one.length
  const bytes = Buffer.allocUnsafe(length + EXECUTE_AND_SYNC.length)
  let at = bytes.writeUInt8(BIND, 0)
  at = bytes.writeInt32BE(length - 1, at)
  at = bytes.writeUInt8(0, at)
  at += bytes.write(name, at, 'latin1')
  at = bytes.writeUInt8(0, at)
  at = bytes.writeInt16BE(given.length, at)
  for (const one of given) at = bytes.writeInt16BE(one === null || typeof one === 'string' ? TEXT : BINARY, at)
  at = bytes.writeInt16BE(given.length, at)
  for (const one of given) {
    const from = at + 4
    const size = one === null ? -1 : typeof one === 'string' ? bytes.write(one, from, 'utf8') : one.copy(bytes, from)
    bytes.writeInt32BE(size, at)
    at = from + Math.max(size, 0)
  }
  // One format for all columns: text.
  at = bytes.writeInt16BE(1, at)
  at = bytes.writeInt16BE(TEXT, at)
  EXECUTE_AND_SYNC.copy(bytes, at)
  return bytes
}

/** A value in the form of the protocol. Throws for kinds of values that no prepared read has. */
function parameterOf(value: unknown): string | Buffer | null {
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value
  if (value === null || value === undefined) return null
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value instanceof Date) return timeText(value)
  if (!Array.isArray(value)) throw new TypeError('a prepared read has a value that is no parameter')
  const quoted: string[] = []
  for (const one of value) {
    const text = Buffer.isBuffer(one) ? `\\x${one.toString('hex')}` : one
    if (typeof text !== 'string') throw new TypeError('a prepared read has an array of neither texts nor bytes')
    quoted.push(`"${text.replace(/[\\"]/g, '\\$&')}"`)
  }
  return `{${quoted.join(',')}}`
}

/** A time as PostgreSQL reads it: a year after 9999 without a sign, and one before 1 as BC, as the driver writes them. */
function timeText(value: Date): string {
  const text = value.toISOString()
  const year = value.getUTCFullYear()
  if (year >= 1 && year <= 9_999) return text
  const digits = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return `${digits}${text.slice(text.indexOf('-', 1))}${year > 0 ? '' : ' BC'}`
}
