-- What an organization may have otherwise than the installation: what it does about strong roles, how often it is checked.

alter table organizations
  add column role_policy text not null default 'enforce',
  add column check_interval_seconds integer,
  add constraint organizations_role_policy_check check (role_policy in ('enforce', 'warn', 'off')),
  add constraint organizations_check_interval_seconds_check check (check_interval_seconds between 60 and 2592000);
