-- The feeds of signed endpoints: how far each was read, its events in the order in which they were stored, and the pushes
-- that were accepted. Positions are given under the lock of the feed's row, so that they become visible in their order.

create table feeds (
  org_id          uuid        not null,
  datasource_id   uuid        not null,
  cursor          text,
  -- The position of the event stored last; gaps may precede it.
  position        bigint      not null default 0,
  -- Events up to this position have lost their payload, and when the oldest of the others was stored.
  removed_to      bigint      not null default 0,
  oldest_at       timestamptz,
  -- Epoch milliseconds as the customer gave them, or ours: what a timestamptz cannot hold is possible.
  newest_event_ms bigint,
  polled_at       timestamptz,
  drained         boolean     not null default true,
  -- Pages stored so far: names the request for the next one, so that a retry keeps its message id.
  pages           bigint      not null default 0,
  interval_ms     integer     not null,
  retry_count     integer     not null default 0,
  last_request_at timestamptz,
  last_success_at timestamptz,
  last_error      text,
  -- What became of the last rotation, if it failed; it outlives the successes of the key that stayed.
  rotation_error  text,
  constraint feeds_pkey primary key (org_id, datasource_id),
  constraint feeds_datasource_id_fkey foreign key (org_id, datasource_id) references datasources (org_id, id)
) with (fillfactor = 50);
create index feeds_oldest_at_idx on feeds (oldest_at) where oldest_at is not null;

-- An event without its text is a tombstone: it has passed its time, and must not come back when a page is repeated.
-- json text as it was written: jsonb refuses \u0000 and rounds nothing less than it reorders.
create table feed_events (
  org_id        uuid        not null,
  datasource_id uuid        not null,
  position      bigint      not null,
  event_id      text        not null,
  event         text,
  bytes         integer     not null,
  stored_at     timestamptz not null,
  constraint feed_events_pkey primary key (org_id, datasource_id, position),
  constraint feed_events_event_id_key unique (org_id, datasource_id, event_id),
  constraint feed_events_datasource_id_fkey foreign key (org_id, datasource_id) references feeds (org_id, datasource_id),
  constraint feed_events_bytes_check check ((event is null) = (bytes = 0))
);

-- What was answered to a push that named itself: the same message again stores nothing and is answered the same.
create table feed_pushes (
  org_id        uuid        not null,
  datasource_id uuid        not null,
  message_id    text        not null,
  received      integer     not null,
  stored        integer     not null,
  at            timestamptz not null,
  constraint feed_pushes_pkey primary key (org_id, datasource_id, message_id),
  constraint feed_pushes_datasource_id_fkey foreign key (org_id, datasource_id) references feeds (org_id, datasource_id)
);
create index feed_pushes_at_idx on feed_pushes (at);
