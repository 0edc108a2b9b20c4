/**
 * Names and texts as SQL takes them, whatever is in them: control characters are escaped, so that what is printed to a
 * terminal cannot steer it.
 *
 * Expressions and definitions are PostgreSQL's own text and pass as they are. Only the SQL printer uses it.
 */

// PostgreSQL's reserved words, of 13 to 18 ("reserved" and "reserved (can be function or type)", appendix C).
const RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
  concurrently constraint create cross current_catalog current_date current_role current_schema current_time
  current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
  full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
  localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning
  right select session_user similar some symmetric system_user table tablesample then to trailing true union unique user
  using variadic verbose when where window with`.split(/\s+/),
)

/** An identifier, quoted where it must be. */
export function identifier(name: string): string {
  if (/^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name)) return name
  if (!/[\p{Cc}]/u.test(name)) return `"${name.replaceAll('"', '""')}"`
  const escaped = name
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '""')
    .replace(/\p{Cc}/gu, it => `\\${hex(it)}`)
  return `U&"${escaped}"`
}

/** A name with its schema. */
export function qualified(schema: string, name: string): string {
  return `${identifier(schema)}.${identifier(name)}`
}

/** A list of identifiers. */
export function identifiers(names: readonly string[]): string {
  return names.map(identifier).join(', ')
}

/** A text literal. Line feeds stay, so that comments can be read. */
export function literal(text: string): string {
  const quoted = text.replaceAll("'", "''")
  if (!/[^\P{Cc}\n]|\\/u.test(text)) return `'${quoted}'`
  return `E'${quoted.replaceAll('\\', '\\\\').replace(/[^\P{Cc}\n]/gu, it => `\\u${hex(it)}`)}'`
}

/** A statement that cannot be run, for people: what it needs is not in the snapshot. */
export function remark(statement: string): string {
  return ['Not in the snapshot as a whole:', ...statement.split(/\r\n?|\n/)].map(line => `-- ${line}`).join('\n')
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')
}
