-- How often targets are dialled and how often they refuse a password, across organizations: without a bound, Mooring would
-- guess passwords for whoever asks. Not a tenant's table: a target is the same whoever names it.

create table dial_budgets (
  key       text        not null,
  used      integer     not null,
  resets_at timestamptz not null,
  constraint dial_budgets_pkey primary key (key)
);
create index dial_budgets_resets_at_idx on dial_budgets (resets_at);
