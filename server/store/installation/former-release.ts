/**
 * Migrates the columns written by processes of the last release, after the last of them has ended. `db grant` runs it,
 * as the last step of an upgrade. The next release drops this, together with the columns.
 */

/**
 * Statements, run as the tables' owner, that migrate revocations of keys and capabilities (including those that ended
 * with a key), tokens missing from the directory, and the issuers of keys, as the audit record names them. They may be
 * repeated.
 */
export const TAKE_OVER: readonly string[] = [
  `insert into revocations (org_id, kind, id, at)
   select c.org_id, 'capability', c.id, coalesce(c.revoked_at, k.revoked_at)
   from capabilities c left join api_keys k on k.org_id = c.org_id and k.id = c.issuer_id and k.revoked_at is not null
     and not exists (select from revocations r where r.org_id = k.org_id and r.kind = 'key' and r.id = k.id)
   where c.revoked_at is not null or k.revoked_at is not null
   on conflict (org_id, kind, id) do nothing`,
  `insert into revocations (org_id, kind, id, at)
   select org_id, 'key', id, revoked_at from api_keys where revoked_at is not null
   on conflict (org_id, kind, id) do nothing`,
  `insert into tokens (hash, org_id)
   select hash, org_id from api_keys union all select hash, org_id from capabilities
   on conflict (hash) do nothing`,
  `update api_keys k set issuer_id = i.id
   from audit_events a join api_keys i on i.org_id = a.org_id and i.id = a.principal_id
   where a.org_id = k.org_id and a.object_id = k.id and a.action = 'key.created' and a.outcome = 'ok'
     and a.principal_kind = 'key' and i.id <> k.id and k.issuer_id is null`,
]
