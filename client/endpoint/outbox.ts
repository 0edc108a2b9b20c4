/**
 * Serves the events of an endpoint from an outbox table: the SQL that creates it, and the source that reads it.
 *
 * Rows are written in the transaction of the change itself, so there is no change without its event and no event
 * without its change. Exported by `endpoint.ts`.
 */
import type { EventSource, OutgoingEvent } from './endpoint-answer.ts'

/**
 * The table, and the function that reads it. Run the SQL once, in the schema that comes first in the `search_path` of
 * the endpoint's role. Insert an event after the change that it describes, in the same transaction:
 *
 * `insert into mooring_outbox (model, entity_id, type, data) values ('task', '42', 'UPDATE', '{"title":"…"}')`
 *
 * The order is not that of `seq`: if a transaction draws its number early and commits late, the cursor may already have
 * passed it, and the event would be lost. Therefore `position` is assigned when committed rows are first read, by one
 * reader at a time. The endpoint's role needs `select` and `update` on the table and `usage` on the sequence. You may
 * delete rows before the cursor that the datasource shows.
 */
export const OUTBOX_SQL = `
create table mooring_outbox (
  seq         bigint      generated always as identity,
  position    bigint,
  id          uuid        not null default gen_random_uuid(),
  model       text        not null,
  entity_id   text        not null,
  type        text        not null,
  data        jsonb,
  occurred_at timestamptz not null default clock_timestamp(),
  constraint mooring_outbox_pkey primary key (seq),
  constraint mooring_outbox_position_key unique (position),
  constraint mooring_outbox_id_key unique (id),
  constraint mooring_outbox_type_check check (type in ('CREATE', 'UPDATE', 'DELETE', 'ARCHIVE', 'UNARCHIVE'))
);
create index mooring_outbox_new_idx on mooring_outbox (seq) where position is null;
create sequence mooring_outbox_position_seq;

create function mooring_outbox_page(after_position bigint, up_to integer)
returns table (next_cursor text, event text) language plpgsql as $page$
begin
  if exists (select from mooring_outbox o where o.position is null) then
    -- Held until commit: no reader sees a position while a lower one is still to be committed.
    perform pg_advisory_xact_lock(hashtextextended('mooring_outbox', 0));
    update mooring_outbox o set position = n.position
      from (select u.seq, nextval('mooring_outbox_position_seq') as position
              from (select i.seq from mooring_outbox i where i.position is null order by i.seq limit 10000) u) n
     where o.seq = n.seq;
  end if;
  return query
    select o.position::text,
           json_build_object('id', o.id, 'model', o.model, 'entityId', o.entity_id, 'type', o.type, 'data', o.data,
                             'occurredAt', floor(extract(epoch from o.occurred_at) * 1000)::bigint)::text
      from mooring_outbox o where o.position > after_position order by o.position limit up_to;
end
$page$;
`

/** Runs SQL with the parameters `$1` and `$2`; with `pg`, it is `(sql, values) => pool.query(sql, values)`. */
export type OutboxQuery = (sql: string, values: readonly [string, number]) => Promise<{ rows: readonly unknown[] }>

/**
 * A page stays below this length unless it is a single event: Mooring would request an oversized page again forever.
 */
const MAX_PAGE_LENGTH = 1_000_000

/**
 * Reads the events of `mooring_outbox`, with one call of `query` for each page. Cursors are decimal positions; every
 * page except an empty one has the cursor of the next page. Rejects as `query` does.
 */
export function outboxEvents(query: OutboxQuery): EventSource {
  return async ({ cursor, limit }) => {
    if (cursor !== null && !/^[0-9]{1,18}$/.test(cursor)) return null
    const sql = 'select next_cursor, event from mooring_outbox_page($1, $2)'
    const { rows } = await query(sql, [cursor ?? '0', limit])
    const page = cut(rows as readonly OutboxRow[]) // the columns of the function above
    const nextCursor = page.at(-1)?.next_cursor
    const events = page.map(row => JSON.parse(row.event) as OutgoingEvent) // built by the function above
    return nextCursor === undefined ? { events } : { events, nextCursor }
  }
}

interface OutboxRow {
  readonly next_cursor: string
  readonly event: string
}

function cut(rows: readonly OutboxRow[]): readonly OutboxRow[] {
  let length = 0
  const end = rows.findIndex((row, at) => {
    length += row.event.length
    return at > 0 && length > MAX_PAGE_LENGTH
  })
  return end === -1 ? rows : rows.slice(0, end)
}
