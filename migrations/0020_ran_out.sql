-- Statement by statement, outside of a transaction: each may be done again.
-- How often a claim of a task ran out: whatever was held by a worker that froze or died, innocent or not. At the second the
-- task runs alone in a process of its own, so that what takes processes down takes nobody else's work with it.

alter table tasks add column if not exists ran_out integer not null default 0;

drop index concurrently if exists tasks_ran_out_idx;
create index concurrently tasks_ran_out_idx on tasks (due_at) where ran_out > 0;
