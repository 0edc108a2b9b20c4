-- Statement by statement, outside of a transaction: each may be done again.
-- Changes are numbered per organization, without a gap: the row of `change_heads` holds the last number, and its lock makes
-- commits follow in the order of the numbers, whatever the commit protocol. No counter of one server and no snapshot decides.
-- An epoch ends where numbers may have been given twice: after a restore, or a failover that lost commits.
create table if not exists change_heads (
  org_id uuid   not null,
  epoch  bigint not null,
  last   bigint not null,
  constraint change_heads_pkey primary key (org_id),
  constraint change_heads_org_id_fkey foreign key (org_id) references organizations (id),
  constraint change_heads_last_check check (last >= 0)
) with (fillfactor = 50);

-- 0: written before there were numbers, told to nobody any more. Null: written by a process of the last release, and numbered
-- by the next reader. `id` and `xid` are what that release reads and writes; they order nothing, and go with the next release.
do $$
begin
  alter table changes add column if not exists n bigint default 0;
  alter table changes alter column n drop default;
end
$$;
alter table changes drop constraint if exists changes_n_check, add constraint changes_n_check check (n >= 0) not valid;
alter table changes validate constraint changes_n_check;
drop index concurrently if exists changes_n_key;
create unique index concurrently changes_n_key on changes (org_id, n) where n > 0;
drop index concurrently if exists changes_datasource_id_n_idx;
create index concurrently changes_datasource_id_n_idx on changes (org_id, datasource_id, n);
drop index concurrently if exists changes_unnumbered_idx;
create index concurrently changes_unnumbered_idx on changes (org_id) where n is null;

-- The server that the numbers were given on, and the oids of this database and its table of heads, which a dump does not
-- bring along. Null until a process has looked; null for good where no process can read it.
create table if not exists installation (
  is_only           boolean not null default true,
  system_identifier text,
  timeline          bigint,
  relation          text,
  constraint installation_pkey primary key (is_only),
  constraint installation_is_only_check check (is_only)
);
insert into installation default values on conflict do nothing;

-- Both tiers number changes before `db grant` is run again: the new processes start before that.
do $$
declare
  tier text;
begin
  for tier in
    select distinct grantee from information_schema.role_table_grants
    where table_schema = 'public' and table_name = 'changes'
      and privilege_type = 'INSERT' and grantee not in ('PUBLIC', current_user)
  loop
    execute format('grant select, insert, update on public.change_heads to %I', tier);
    execute format('grant select, update on public.installation to %I', tier);
    execute format('grant update (n) on public.changes to %I', tier);
  end loop;
end
$$;
