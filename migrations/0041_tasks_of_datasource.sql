-- Statement by statement, outside of a transaction: each may be done again.
-- The tasks of one datasource, standing or not: they go with it, and its foreign key looks for them.
drop index concurrently if exists tasks_datasource_id_idx;
create index concurrently tasks_datasource_id_idx on tasks (org_id, datasource_id);
