/**
 * Finds the keys of the keyrings that rows still need, so that none is dropped too early. Operators' commands call it.
 * It reads key ids, not keys.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import { isUnrevoked } from '#server/store/tokens/revocations.ts'

/** The ids of keys that are still needed. */
export interface KeyUses {
  readonly master: readonly string[]
  readonly signing: readonly string[]
  readonly pepper: readonly string[]
  readonly fingerprint: readonly string[]
}

/** Reads the key ids in use across all organizations. */
export async function read(db: Db, now: Date): Promise<KeyUses> {
  const ids = async (query: ReturnType<typeof sql<{ id: string }>>) => (await query.execute(db)).rows.map(row => row.id)
  return {
    master: await ids(sql`select distinct master_key_id as id from organization_keys where secret is not null`),
    signing: await ids(sql`
      select signer_id as id from organization_keys where secret is not null
      union select signer_id from credentials where sealed is not null
      union select d.verdict_signer_id from datasources d join organizations o on o.id = d.org_id and o.removed_at is null
        where d.deleted_at is null and d.verdict_signer_id is not null
      union select g.signer_id from lease_grants g join capabilities c on c.org_id = g.org_id and c.id = g.capability_id
        where ${isUnrevoked('capability', 'c')} and c.expires_at > ${now}`),
    pepper: await ids(sql`
      select k.pepper_id as id from api_keys k
        where ${isUnrevoked('key', 'k')} and (k.expires_at is null or k.expires_at > ${now})
      union select c.pepper_id from capabilities c where ${isUnrevoked('capability', 'c')} and c.expires_at > ${now}`),
    fingerprint: await ids(sql`
      select distinct fingerprint_key_id as id from credentials where sealed is not null and fingerprint_key_id is not null`),
  }
}
