-- How often a claim of a task ran out: whatever was held by a worker that froze or died, innocent or not. At the second the
-- task runs alone in a process of its own, so that what takes processes down takes nobody else's work with it.

alter table tasks add column ran_out integer not null default 0;

create index tasks_ran_out_idx on tasks (due_at) where ran_out > 0;
