/**
 * The operator's commands for organizations. They need the worker's keyring, which signs the keys that the web tier
 * seals to.
 */
import { newId } from '#server/domain/access/ids.ts'
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import * as audit from '#server/store/access/audit.ts'
import { transaction } from '#server/store/database/db.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { OPERATOR } from './writing.ts'

/** The dependencies of an operator's command. */
export interface OperatorDeps {
  readonly db: Db
  readonly keyring: WorkerKeyring
  readonly now: Date
}

/** Creates an organization with its first sealing key, and returns its UUID. */
export async function createOrganization(deps: OperatorDeps, name: string): Promise<string> {
  const [id, keyId] = [newId(), newId()]
  const key = (await createUnsealer(deps.keyring)).createOrganizationKey(id, keyId)
  await transaction(deps.db, async tx => {
    await organizations.create(tx, {
      organization: { id, name, created_at: deps.now, removed_at: null },
      key: {
        org_id: id,
        id: keyId,
        public_key: key.publicKey,
        secret: key.secret,
        master_key_id: key.masterKeyId,
        signer_id: key.signerId,
        signature: key.signature,
        created_at: deps.now,
        retired_at: null,
      },
    })
    const unit = { org: id, tx, actor: OPERATOR, now: deps.now }
    await audit.append(unit, { action: 'organization.created', objectKind: 'organization', objectId: id })
  })
  return id
}
