/**
 * The words that the catalog query is made of, for PostgreSQL 13 to 18.
 *
 * Every function, type, operator and relation is named with its schema: the owner of a database can plant look-alikes
 * (CVE-2018-1058), and nothing of the customer's may run. What PostgreSQL resolves without a schema by syntax alone
 * (`in`, `between`, `is distinct from`, `case x when`, `using`) is therefore not used. Expressions are only deparsed.
 */

export const EQ = 'operator(pg_catalog.=)'
export const NE = 'operator(pg_catalog.<>)'
export const GT = 'operator(pg_catalog.>)'
export const PLUS = 'operator(pg_catalog.+)'
export const TIMES = 'operator(pg_catalog.*)'
export const OBJECT = 'pg_catalog.json_build_object'
export const ARRAY = 'pg_catalog.json_build_array'

/** Longer texts of people's making are cut, so that one comment or expression cannot make a row too large. */
const MAX_TEXT_BYTES = 8_000
const KEPT_CHARACTERS = 2_000

/** A text literal whose content cannot end it, whatever `standard_conforming_strings` says: it is hex. */
export function literal(text: string): string {
  return `pg_catalog.convert_from(pg_catalog.decode('${Buffer.from(text).toString('hex')}', 'hex'), 'UTF8')`
}

/** An array of text literals. */
export function literals(texts: readonly string[]): string {
  return `array[${texts.map(literal).join(', ')}]::pg_catalog.text[]`
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
  return `case when pg_catalog.octet_length(${text}) ${GT} ${MAX_TEXT_BYTES} then pg_catalog.concat(
      pg_catalog.left(${text}, ${KEPT_CHARACTERS}), ' … [', pg_catalog.octet_length(${text}), ' bytes, sha-256 ',
      pg_catalog.encode(pg_catalog.sha256(pg_catalog.textsend(${text})), 'hex'), ']') else ${text} end`
}

/** A lateral column `${name}.text` that is evaluated once. */
export function once(name: string, expression: string): string {
  return `cross join lateral (select ${expression} as text offset 0) as ${name}`
}

/** The comment on a whole object. */
export function comment(catalog: string, oid: string): string {
  return `(select ${cut('d.description')} from pg_catalog.pg_description as d where d.objoid ${EQ} ${oid}
    and d.classoid ${EQ} 'pg_catalog.${catalog}'::pg_catalog.regclass and d.objsubid ${EQ} 0)`
}

/** A collation as SQL takes it, where it is neither absent, nor the database's default, nor that of the `type` itself. */
export function collation(oid: string, type: string): string {
  return `case when ${oid} ${NE} all (array[0, 100]::pg_catalog.oid[]) then (
    select pg_catalog.concat(pg_catalog.quote_ident(cn.nspname), '.', pg_catalog.quote_ident(co.collname))
    from pg_catalog.pg_collation as co join pg_catalog.pg_namespace as cn on cn.oid ${EQ} co.collnamespace
    join pg_catalog.pg_type as ct on ct.oid ${EQ} ${type} and ct.typcollation ${NE} co.oid
    where co.oid ${EQ} ${oid}) end`
}

/** Pages of a relation `c` with its TOAST and its indexes (`indexed` as `x`), as of the last vacuum. No lock is taken. */
export const PAGES = `(c.relpages::pg_catalog.int8 ${PLUS} coalesce(x.pages, 0) ${PLUS} coalesce((
      select t.relpages from pg_catalog.pg_class as t where t.oid ${EQ} c.reltoastrelid), 0))`
