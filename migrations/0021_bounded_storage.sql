-- Statement by statement, outside of a transaction: each may be done again.
-- What a customer or caller fills is bounded: kept answers of an organization, snapshots and verifications of a datasource,
-- and rows that nobody needs any more. Each bound is found by an index; nothing scans an organization.

-- Null: there is no answer yet, or a release of before kept it. 0: its bytes have gone, the claim and its result stay.
alter table idempotency_keys add column if not exists answer_bytes integer;
drop index concurrently if exists idempotency_keys_answer_bytes_idx;
create index concurrently idempotency_keys_answer_bytes_idx on idempotency_keys (org_id, created_at desc) include (answer_bytes)
  where answer_bytes > 0;

-- For what refers to a snapshot that goes.
drop index concurrently if exists snapshots_previous_id_idx;
create index concurrently snapshots_previous_id_idx on snapshots (org_id, previous_id) where previous_id is not null;

-- The row that a datasource shows is kept by what removes others. Checked by the database, each removal would read every
-- datasource of the organization, or each check would write an index more.
alter table datasources drop constraint if exists datasources_verification_id_fkey;

drop index concurrently if exists verifications_at_idx;
create index concurrently verifications_at_idx on verifications (at);
drop index concurrently if exists datasources_deleted_at_idx;
create index concurrently datasources_deleted_at_idx on datasources (deleted_at) where deleted_at is not null;
drop index concurrently if exists leases_datasource_id_idx;
create index concurrently leases_datasource_id_idx on leases (org_id, datasource_id);
drop index concurrently if exists leases_ended_at_idx;
create index concurrently leases_ended_at_idx on leases (ended_at) where ended_at is not null;
drop index concurrently if exists api_keys_revoked_at_idx;
create index concurrently api_keys_revoked_at_idx on api_keys (revoked_at) where revoked_at is not null;
drop index concurrently if exists capabilities_ended_at_idx;
create index concurrently capabilities_ended_at_idx on capabilities (least(revoked_at, expires_at));

-- The worker's role removes such rows before `db grant` is run again: the new processes start before that.
do $$
declare
  tier text;
begin
  for tier in
    select distinct grantee from information_schema.role_table_grants
    where table_schema = 'public' and table_name = 'verifications'
      and privilege_type = 'INSERT' and grantee not in ('PUBLIC', current_user)
  loop
    execute format('grant delete on public.verifications, public.snapshots, public.datasources, public.credentials,
      public.leases, public.capabilities, public.api_keys to %I', tier);
    execute format('grant select (org_id, id, revoked_at, issuer_id) on public.api_keys to %I', tier);
  end loop;
end
$$;
