-- Statement by statement, outside of a transaction: each may be done again.
-- How far the check that is running has come, for whoever watches it; `reached_by` is the token of the claim that told it.
alter table tasks add column if not exists reached text, add column if not exists reached_by bigint;
alter table tasks drop constraint if exists tasks_reached_check;
alter table tasks add constraint tasks_reached_check
  check (reached in ('host', 'connect', 'tls', 'authenticate', 'database')) not valid;
alter table tasks validate constraint tasks_reached_check;
