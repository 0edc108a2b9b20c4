/**
 * Fragments that several parts of the catalog query share: comments, collations, sizes.
 *
 * It must follow the rules of `catalog-sql.ts`. Only `catalog.ts` and its parts use it.
 */
import { cut, EQ, NE } from './catalog-sql.ts'

/** The comment on a whole object. */
export function comment(catalog: string, oid: string): string {
  return `(select ${cut('d.description')} from pg_catalog.pg_description as d where d.objoid ${EQ} ${oid}
    and d.classoid ${EQ} 'pg_catalog.${catalog}'::pg_catalog.regclass and d.objsubid ${EQ} 0)`
}

/** A collation in SQL syntax, unless it is absent, the database's default, or that of the `type` itself. */
export function collation(oid: string, type: string): string {
  return `case when ${oid} ${NE} all (array[0, 100]::pg_catalog.oid[]) then (
    select pg_catalog.concat(pg_catalog.quote_ident(cn.nspname), '.', pg_catalog.quote_ident(co.collname))
    from pg_catalog.pg_collation as co join pg_catalog.pg_namespace as cn on cn.oid ${EQ} co.collnamespace
    join pg_catalog.pg_type as ct on ct.oid ${EQ} ${type} and ct.typcollation ${NE} co.oid
    where co.oid ${EQ} ${oid}) end`
}

/** Joins the storage of a relation `c` besides its heap: `toast`, and `indexed`, the sums over its indexes. */
export const SIZED = `left join pg_catalog.pg_class as toast on toast.oid ${EQ} c.reltoastrelid
  left join indexed on indexed.relation ${EQ} c.oid`

/** The pages of such a relation, as of the last vacuum or analyze. Takes no lock on it. */
export const PAGES = `(c.relpages::pg_catalog.int8 operator(pg_catalog.+) coalesce(toast.relpages, 0)
    operator(pg_catalog.+) coalesce(indexed.pages, 0))`
