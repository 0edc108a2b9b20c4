-- Statement by statement, outside of a transaction: each may be done again.
-- A claim reads a bounded number of rows, whatever is due: two indexes begin with whom a task is for. That is an expression over the
-- row, so that it is right in rows that a release of before writes, and no row has to be written for it.

alter table tasks
  -- Until when a caller waits for a standing task; null where nobody does.
  add column if not exists awaited_until timestamptz,
  -- The last try was cut off: what has hung waits behind what has not, until it is settled.
  add column if not exists hung boolean not null default false;

-- The priority, in the words of `claim-choice.ts`. 0: somebody waits for it. 1: asked for. 2: by the schedule. 3: asked for, and
-- hung. 4: failed or hung before. Polls: 5 more, since they have places of their own. 10: in quarantine.
drop index concurrently if exists tasks_priority_due_at_idx;
create index concurrently tasks_priority_due_at_idx on tasks ((
  case when ran_out > 1 then 10 else
    case when kind = 'poll' then 5 else 0 end +
    case
      when requested > settled and not hung then case when awaited_until is null and standing then 1 else 0 end
      when requested > settled then 3
      when hung or attempts > 0 then 4
      else 2
    end
  end), due_at) where due_at is not null;
drop index concurrently if exists tasks_priority_org_id_due_at_idx;
create index concurrently tasks_priority_org_id_due_at_idx on tasks ((
  case when ran_out > 1 then 10 else
    case when kind = 'poll' then 5 else 0 end +
    case
      when requested > settled and not hung then case when awaited_until is null and standing then 1 else 0 end
      when requested > settled then 3
      when hung or attempts > 0 then 4
      else 2
    end
  end), org_id, due_at) where due_at is not null;

-- A claim changes no indexed column: with room on its page the row stays there and no index is written. A row is written at
-- least twice for each check, so that dead ones are collected after some thousands, whatever the size of the table.
alter table tasks set (
  fillfactor = 75,
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 0
);

-- The web's role says who waits before `db grant` is run again: the new processes start before that.
do $$
declare
  tier text;
begin
  for tier in
    select distinct grantee from information_schema.column_privileges
    where table_schema = 'public' and table_name = 'tasks' and column_name = 'requested'
      and privilege_type = 'UPDATE' and grantee not in ('PUBLIC', current_user)
  loop
    execute format('grant update (awaited_until) on public.tasks to %I', tier);
  end loop;
end
$$;
