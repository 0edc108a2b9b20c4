-- A claim counts what each organization holds, to leave room for the others.

create index tasks_locked_until_idx on tasks (locked_until) where locked_until is not null;
