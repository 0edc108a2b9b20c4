/**
 * Adds a new credential to a registered datasource through one database function: pending in the place of any other
 * pending one, with the tasks that compare and check it and the record of the requester. It must never read sealed
 * bytes. The web tier calls it, alone or in a transaction that has locked the datasource.
 */
import { sql } from 'kysely'
import type { AuditRow } from '#server/store/access/audit.ts'
import type { NewCredential } from '#server/store/credentials/credentials.ts'
import { JoinedWrites } from '#server/store/database/joined-writes.ts'
import { mayWrite, OrganizationMoving } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** Everything that the function writes. */
export interface StagedCredential {
  readonly datasourceId: string
  /** The natural key that the datasource must still have; null for any. */
  readonly identity: string | null
  /** The version of the new credential: the datasource's last one plus one. */
  readonly version: number
  readonly credential: NewCredential
  /** Ids for the two tasks if the datasource lacks them. */
  readonly compareId: string
  readonly checkId: string
  readonly event: AuditRow
  readonly now: Date
  /** Columns that change with it. */
  readonly set: { readonly name?: string; readonly excluded_schemas?: readonly string[] }
}

/**
 * Makes the standing comparison due, and counts a requested check, whose schedule and attempts stay unchanged until the
 * comparison finds a difference. A comparison that is due already and that no worker has begun serves this credential,
 * too. Returns the number of the check; null, writing nothing, if the datasource is gone, its natural key or its
 * last version is another, or another transaction has locked it. Throws `OrganizationMoving`.
 *
 * Outside a transaction it is batched with others of its organization that arrive during a commit: each is small, and a
 * commit costs as much as several of them.
 */
export async function stage(db: Db, org: string, entry: StagedCredential): Promise<number | null> {
  const [staged] = db.isTransaction ? await stageAll(db, org, [entry]) : [await joined.add(db, org, entry)]
  if (staged?.outcome === 'moving') throw new OrganizationMoving()
  return staged === undefined || staged.outcome === 'changed' ? null : Number(staged.outcome)
}

/** The number of the requested check, or why nothing was written. */
interface Staged {
  readonly outcome: string
}

/** One statement for any number of entries, passed as one parameter, as in `registration.ts`. */
async function stageAll(db: Db, org: string, entries: readonly StagedCredential[]): Promise<readonly Staged[]> {
  const { rows } = await sql<Staged>`
    with given as materialized (
      select * from rows from (json_to_recordset(${JSON.stringify(entries.map(columnsOf))}::json) as (
        id uuid, version integer, name text, excluded_schemas text[], compare_id uuid, check_id uuid, key_id uuid, sealed text,
        signer_id text, signature text, last4 text, event_id uuid, event_at timestamptz, principal_kind text, principal_id uuid,
        action text, outcome text, request_id text, address text, at timestamptz, identity text)) with ordinality
    )
    select case when ${mayWrite({ organizationId: org, phase: 'begins' })} then coalesce(stage_credential_1(
      ${org}::uuid, id, version, name, excluded_schemas, compare_id, check_id, key_id, decode(sealed, 'base64'), signer_id,
      decode(signature, 'base64'), last4, event_id, event_at, principal_kind, principal_id, action, given.outcome, request_id, address,
      at, identity)::text, 'changed') else 'moving' end as outcome
    from given order by ordinality
  `.execute(db)
  return rows
}

const joined = new JoinedWrites(stageAll)

/** The columns of the statement's record. */
function columnsOf({ credential: { sealed, last4 }, event, set, ...entry }: StagedCredential) {
  const { actor } = event
  return {
    ...{ id: entry.datasourceId, version: entry.version, ...set, compare_id: entry.compareId, check_id: entry.checkId },
    ...{ key_id: sealed.keyId, sealed: sealed.box.toString('base64'), signature: sealed.signature.toString('base64') },
    ...{ signer_id: sealed.signerId, last4, event_id: event.id, event_at: event.at, action: event.action },
    ...{ principal_kind: actor.kind, principal_id: actor.id, outcome: event.outcome, at: entry.now },
    ...{ request_id: actor.requestId, address: actor.address, identity: entry.identity },
  }
}
