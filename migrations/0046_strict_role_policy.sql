-- Statement by statement, outside of a transaction: each may be done again.
-- An organization may also refuse what row security does not bind in a role. A process of the release before takes the new word for `enforce`.
-- The new constraint is checked beside readers and writers, before the narrower one goes.
alter table organizations drop constraint if exists organizations_role_policy_strict_check;
alter table organizations add constraint organizations_role_policy_strict_check
  check (role_policy in ('strict', 'enforce', 'warn', 'off')) not valid;
alter table organizations validate constraint organizations_role_policy_strict_check;
alter table organizations drop constraint if exists organizations_role_policy_check;
