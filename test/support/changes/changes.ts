/**
 * Appends changes as a process of Mooring does, for tests that need one at a chosen time: the head's row is locked and
 * moved, then rows are numbered after it.
 */

/** The changes to append. */
export interface Appended {
  readonly organizationId: string
  readonly datasourceId: string
  readonly change?: string
  readonly count?: number
  /** SQL of the time of the first; each of the others is a microsecond later. */
  readonly at?: string
}

/** Returns a single statement that appends the changes. */
export function appendSql({
  organizationId,
  datasourceId,
  change = 'drifted',
  count = 1,
  at = 'now()',
}: Appended): string {
  return `with head as (
      insert into change_heads (org_id, epoch, last) values ('${organizationId}', 1, ${count})
      on conflict (org_id) do update set last = change_heads.last + ${count} returning last)
    insert into changes (org_id, n, datasource_id, change, at)
    select '${organizationId}', last - ${count} + place, '${datasourceId}', '${change}', ${at} + place * interval '1 microsecond'
    from head, generate_series(1, ${count}) as place`
}
