/**
 * Splits a file for psql into its statements, as psql would send them: schema dumps contain psql commands, COPY rows,
 * and statements that cannot run in a transaction.
 *
 * It parses SQL only as far as needed to find the end of a statement. It reports everything that is not SQL, and runs
 * nothing.
 */

/** A statement, and the line on which it begins. */
export interface Statement {
  readonly sql: string
  readonly line: number
}

/** The statements of a file, and the skipped lines with their kinds. */
export interface PsqlFile {
  readonly statements: readonly Statement[]
  readonly passedOver: readonly { readonly line: number; readonly what: string }[]
}

/** Quoted texts and comments, inside which no statement ends. A dollar quote ends with its own tag. */
const PIECE =
  /--[^\n]*|\/\*|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|\w+|[;()\\]|\s+|[\s\S]/gy
const COPY_IN = /^copy\b[\s\S]*\bfrom\s+stdin\b/i
/** psql handles these lines itself; dumps of pg_dump since 2025 begin with \restrict. */
const COMMAND = /\\[^\n]*/y

/** A position in a file, and the statement being read. */
interface Reading {
  readonly text: string
  readonly statements: Statement[]
  readonly passedOver: { readonly line: number; readonly what: string }[]
  at: number
  line: number
  /** The beginning of the statement, and whether any of it has been read. */
  start: number
  startLine: number
  isBlank: boolean
  /** The nesting depth of brackets, and of bodies in the syntax of the standard. */
  depth: number
  atomic: number
}

/** Splits a file. */
export function psqlFile(text: string): PsqlFile {
  const place = { at: 0, line: 1, start: 0, startLine: 1, isBlank: true, depth: 0, atomic: 0 }
  const reading: Reading = { text, statements: [], passedOver: [], ...place }
  while (reading.at < text.length) {
    PIECE.lastIndex = reading.at
    take(reading, PIECE.exec(text)?.[0] ?? text.charAt(reading.at))
  }
  send(reading)
  return { statements: reading.statements, passedOver: reading.passedOver }
}

function take(reading: Reading, piece: string): void {
  if (piece === '\\') command(reading)
  else if (piece === ';' && reading.depth === 0 && reading.atomic === 0) end(reading)
  else takeWithin(reading, piece)
}

/** Handles a piece that ends nothing. */
function takeWithin(reading: Reading, piece: string): void {
  const { text, at } = reading
  const isComment = /^(?:\s+$|--|\/\*)/.test(piece)
  if (piece === '/*') skip(reading, endOfComment(text, at))
  else if (piece.startsWith('$') && piece.length > 1) {
    const end = text.indexOf(piece, at + piece.length)
    skip(reading, end < 0 ? text.length : end + piece.length)
  } else skip(reading, at + piece.length)
  if (!isComment) reading.isBlank = false
  else if (reading.isBlank) restart(reading)
  if (piece === '(') reading.depth += 1
  else if (piece === ')') reading.depth = Math.max(0, reading.depth - 1)
  else if (!isComment) reading.atomic = inBody(piece.toLowerCase(), text.slice(reading.start, at), reading.atomic)
}

function skip(reading: Reading, to: number): void {
  reading.line += reading.text.slice(reading.at, to).split('\n').length - 1
  reading.at = to
}

function restart(reading: Reading): void {
  Object.assign(reading, { start: reading.at, startLine: reading.line, isBlank: true, depth: 0, atomic: 0 })
}

/** Returns the statement that ends here, if any of it has been read. */
function send(reading: Reading): string {
  const sql = reading.isBlank ? '' : reading.text.slice(reading.start, reading.at).trim()
  if (sql !== '') reading.statements.push({ sql, line: reading.startLine })
  return sql
}

function end(reading: Reading): void {
  const sql = send(reading)
  skip(reading, reading.at + 1)
  if (COPY_IN.test(sql)) {
    reading.statements.pop()
    reading.passedOver.push({ line: reading.startLine, what: `rows of ${sql.split(/\s+/)[1] ?? ''}` })
    skip(reading, endOfRows(reading.text, reading.at))
  }
  restart(reading)
}

/** A psql command, up to the end of its line. \g and similar commands send the text before them. */
function command(reading: Reading): void {
  COMMAND.lastIndex = reading.at
  const words = COMMAND.exec(reading.text)?.[0] ?? '\\'
  reading.passedOver.push({ line: reading.line, what: words.trim() })
  if (/^\\g(?:exec|desc|set)?\b/.test(words)) send(reading)
  skip(reading, reading.at + words.length)
  restart(reading)
}

/**
 * Returns the nesting depth of a body in the syntax of the standard, `begin atomic … end`, in which a semicolon ends
 * nothing.
 */
function inBody(word: string, before: string, atomic: number): number {
  if (word === 'atomic' && /\bbegin\s+$/i.test(before)) return 1
  if (atomic === 0) return 0
  if (word === 'case') return atomic + 1
  return word === 'end' ? atomic - 1 : atomic
}

/** PostgreSQL's comments can be nested. */
function endOfComment(text: string, from: number): number {
  const mark = /\/\*|\*\//g
  mark.lastIndex = from + 2
  let depth = 1
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return mark.lastIndex
  }
  return text.length
}

/** Rows end with a line of `\.`, or with the file. */
function endOfRows(text: string, from: number): number {
  const end = /^\\\.[ \t]*\r?$/m
  const at = text.slice(from).search(end)
  if (at < 0) return text.length
  const line = text.indexOf('\n', from + at)
  return line < 0 ? text.length : line + 1
}
