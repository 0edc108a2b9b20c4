-- Statement by statement, outside of a transaction: each may be done again.
-- How often in a row a check has refused what was active, and when that was counted last: it is looked at again before that is
-- final. The worker alone writes both. Neither lets anything be used: that is the signed verdict's to say.
alter table datasources
  add column if not exists refusals   smallint not null default 0,
  add column if not exists refused_at timestamptz,
  drop constraint if exists datasources_refusals_check,
  drop constraint if exists datasources_refused_at_check,
  add constraint datasources_refusals_check check (refusals between 0 and 2) not valid,
  add constraint datasources_refused_at_check check ((refusals > 0) = (refused_at is not null)) not valid;
alter table datasources validate constraint datasources_refusals_check;
alter table datasources validate constraint datasources_refused_at_check;
