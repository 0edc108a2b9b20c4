-- How often in a row a check has refused what was active, and when that was counted last: it is looked at again before that is
-- final. The worker alone writes both. Neither lets anything be used: that is the signed verdict's to say.
alter table datasources
  add column refusals   smallint not null default 0,
  add column refused_at timestamptz,
  add constraint datasources_refusals_check check (refusals between 0 and 2),
  add constraint datasources_refused_at_check check ((refusals > 0) = (refused_at is not null));
