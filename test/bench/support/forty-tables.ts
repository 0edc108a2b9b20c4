/**
 * The database that the check benchmarks use: forty tables with row security in a schema of their own, and a login
 * `app` that passes. Used by `bench:verify` and by the rows for checks in the table of `npm run bench`.
 */

/** The password of `app`. */
export const APP_PASSWORD = 'Tr0ub4dor-and-3'

/** SQL to be run by a superuser. */
export const FORTY_TABLES = `
create role app login password '${APP_PASSWORD}';
create schema app; grant usage on schema app to app;
do $$ begin for i in 1..40 loop
  execute format('create table app.t%s (id uuid primary key, org text not null, body jsonb, at timestamptz)', i);
  execute format('alter table app.t%s enable row level security', i);
  execute format('grant select, insert on app.t%s to app', i);
end loop; end $$;
analyze`
