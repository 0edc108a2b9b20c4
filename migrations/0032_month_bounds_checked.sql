-- In a transaction of its own.
-- Second step: every row is looked at once, under locks that neither a reader nor a writer waits for. Rows beyond the bound,
-- of ids that no process of ours has made, go to what will be the default partition.

create table verifications_default (like verifications including defaults including storage including constraints);
alter table verifications_default drop constraint verifications_before_check;
create table audit_events_default (like audit_events including defaults including storage including constraints);
alter table audit_events_default drop constraint audit_events_before_check;

do $$
declare
  parent text;
  bound text;
begin
  foreach parent in array array['verifications', 'audit_events'] loop
    select substring(pg_get_constraintdef(oid) from '[0-9a-f]{8}-[0-9a-f-]{27}') into strict bound
      from pg_constraint where conrelid = parent::regclass and conname = parent || '_before_check';
    execute format('insert into %I select * from %I where id >= %L', parent || '_default', parent, bound);
    execute format('delete from %I where id >= %L', parent, bound);
  end loop;
end
$$;
alter table verifications validate constraint verifications_before_check;
alter table audit_events validate constraint audit_events_before_check;
alter table datasources validate constraint datasources_latest_check;
