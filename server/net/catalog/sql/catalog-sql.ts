/**
 * The building blocks of the catalog query, for PostgreSQL 13 to 18.
 *
 * Every function, type, operator and relation is schema-qualified: the owner of a database can plant look-alikes
 * (CVE-2018-1058), and no code of the customer may run. Constructs that PostgreSQL resolves by syntax without a schema
 * (`in`, `between`, `is distinct from`, `case x when`, `using`) are therefore not used. Expressions are only deparsed.
 * The text is ASCII, since not every database encoding has every character.
 */

/** The qualified equality operator. */
export const EQ = 'operator(pg_catalog.=)'
/** The qualified inequality operator. */
export const NE = 'operator(pg_catalog.<>)'
/** The qualified function that builds a JSON object from names and values. */
export const OBJECT = 'pg_catalog.json_build_object'

/** Longer user-written texts are cut, so that one comment or expression cannot make a row too large. */
const MAX_TEXT_BYTES = 8_000
const KEPT_CHARACTERS = 2_000

/**
 * An array of names in UTF-8, for comparison with `textsend` of others. The names may come from anyone: hex cannot end
 * a literal, whatever `standard_conforming_strings` says, and bytes need no counterpart in the database's own encoding.
 */
export function names(texts: readonly string[]): string {
  const hex = texts.map(text => `pg_catalog.decode('${Buffer.from(text).toString('hex')}', 'hex')`)
  return `array[${hex.join(', ')}]::pg_catalog.bytea[]`
}

/** An array of single characters, the type of the catalog's flags. */
export function flags(characters: string): string {
  return `array[${[...characters].map(character => `'${character}'`).join(',')}]::pg_catalog."char"[]`
}

/**
 * A text, or for a long text its beginning with its length and SHA-256: a change in the part cut off still changes the
 * fingerprint. `text` is evaluated more than once: pass a column.
 */
export function cut(text: string): string {
  return `case when pg_catalog.octet_length(${text}) operator(pg_catalog.>) ${MAX_TEXT_BYTES} then pg_catalog.concat(
      pg_catalog.left(${text}, ${KEPT_CHARACTERS}), ' ... [', pg_catalog.octet_length(${text}), ' bytes, sha-256 ',
      pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(${text})), 'hex'), ']') else ${text} end`
}

/**
 * A query whose rows become JSON objects with its column names as keys: cheaper than an object from as many arguments.
 */
export function rows(query: string): string {
  return `select pg_catalog.row_to_json(x) from (${query}) as x`
}

/** A lateral column `${name}.text` that is evaluated once. */
export function once(name: string, expression: string): string {
  return `cross join lateral (select ${expression} as text offset 0) as ${name}`
}
