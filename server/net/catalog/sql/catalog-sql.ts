/**
 * The words that the catalog query is made of, for PostgreSQL 13 to 18.
 *
 * Every function, type, operator and relation is named with its schema: the owner of a database can plant look-alikes
 * (CVE-2018-1058), and nothing of the customer's may run. Constructs that PostgreSQL resolves without a schema by syntax alone
 * (`in`, `between`, `is distinct from`, `case x when`, `using`) is therefore not used. Expressions are only deparsed.
 * The text is ASCII, since not every database's encoding has every character.
 */

/** Equal. */
export const EQ = 'operator(pg_catalog.=)'
/** Not equal. */
export const NE = 'operator(pg_catalog.<>)'
/** Makes a JSON object of names and values. */
export const OBJECT = 'pg_catalog.json_build_object'

/** Longer texts of people's making are cut, so that one comment or expression cannot make a row too large. */
const MAX_TEXT_BYTES = 8_000
const KEPT_CHARACTERS = 2_000

/**
 * Names in UTF-8, to compare with `textsend` of others. They may be anyone's: hex cannot end a literal, whatever
 * `standard_conforming_strings` says, and bytes need no counterpart in the database's own encoding.
 */
export function names(texts: readonly string[]): string {
  const hex = texts.map(text => `pg_catalog.decode('${Buffer.from(text).toString('hex')}', 'hex')`)
  return `array[${hex.join(', ')}]::pg_catalog.bytea[]`
}

/** Single characters, as the catalog's flags are. */
export function flags(characters: string): string {
  return `array[${[...characters].map(character => `'${character}'`).join(',')}]::pg_catalog."char"[]`
}

/**
 * A text, or its beginning with length and SHA-256 when it is long: what is cut away still makes the fingerprint another.
 * `text` is evaluated more than once: give it a column.
 */
export function cut(text: string): string {
  return `case when pg_catalog.octet_length(${text}) operator(pg_catalog.>) ${MAX_TEXT_BYTES} then pg_catalog.concat(
      pg_catalog.left(${text}, ${KEPT_CHARACTERS}), ' ... [', pg_catalog.octet_length(${text}), ' bytes, sha-256 ',
      pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(${text})), 'hex'), ']') else ${text} end`
}

/** A query whose rows become JSON objects, by the names of its columns: cheaper than an object of as many arguments. */
export function rows(query: string): string {
  return `select pg_catalog.row_to_json(x) from (${query}) as x`
}

/** A lateral column `${name}.text` that is evaluated once. */
export function once(name: string, expression: string): string {
  return `cross join lateral (select ${expression} as text offset 0) as ${name}`
}
