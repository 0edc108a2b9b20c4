/**
 * Opens stored credentials, task payloads and callers' boxes for the kinds of work that need them. Worker only: the
 * returned values are in clear and must not be stored, logged or sent.
 */
import { type Secret, unpackBox } from '#server/domain/access/sealed.ts'
import { type AskedKind, CONTRACT, type TaskPayload } from '#server/domain/tasks/contract.ts'
import { KeyLacking, SealBroken } from '#server/seal/held-key.ts'
import type { VerifiedKey } from '#server/seal/sealer.ts'
import type { SealedCredential, SealedDatasource } from '#server/store/credentials/sealed.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import type { WorkerDeps } from '#server/work/deps.ts'

/** Opens one credential. Throws `SealBroken` if it is not the one that was sealed for its row. */
export function openCredential(deps: WorkerDeps, { key, context, sealed }: SealedCredential): Secret {
  if (key === null) throw new SealBroken()
  requireKeysOf(deps, key)
  return deps.unsealer.openCredential(key, context, sealed)
}

/**
 * Opens the current credential. Throws `SealBroken` also if its row displays a target other than the sealed one: a
 * display column never decides where to dial, and an edited one no longer displays what is dialled.
 */
export function openInForce(deps: WorkerDeps, row: SealedDatasource, credential: SealedCredential): Secret {
  const secret = openCredential(deps, credential)
  if (secret.kind !== 'direct') return secret
  const { host, port, database } = secret.target
  if (row.host !== host || row.port !== port || row.database !== database) throw new SealBroken()
  return secret
}

/**
 * Opens the payload of a claimed task of the kind. Throws `SealBroken`, and Zod's error for a version that this worker
 * does not know, which is left to another worker.
 */
export async function openPayload<K extends AskedKind>(
  deps: WorkerDeps,
  claim: Claim,
  kind: K,
): Promise<TaskPayload<K>> {
  const box = claim.payload === null ? null : unpackBox(claim.payload)
  if (box === null) throw new SealBroken()
  const key = await wrappedKey(deps, claim.organizationId, box.keyId)
  const content = deps.unsealer.openTask(key, { organizationId: claim.organizationId, taskId: claim.id }, box)
  // Sound: the schema belongs to the kind, which the compiler cannot follow through the table.
  return CONTRACT[kind].payload.parse(content) as TaskPayload<K>
}

/** Opens a connection string that a caller sealed to one of the organization's keys. Throws `SealBroken`. */
export async function openClientBox(
  deps: WorkerDeps,
  organizationId: string,
  { keyId, box }: { keyId: string; box: string },
): Promise<string> {
  const key = await wrappedKey(deps, organizationId, keyId)
  return deps.unsealer.openClientBox(key, Buffer.from(box, 'base64'))
}

/** The organization's current key, after verifying its row. */
export async function currentKey(deps: WorkerDeps, organizationId: string): Promise<VerifiedKey> {
  const row = await organizations.currentKey(deps.db, organizationId)
  if (row !== undefined) requireKeysOf(deps, row)
  const key = row === undefined ? null : deps.sealer.verifyKey(row)
  if (key === null) throw new Error(`organization ${organizationId} has no sealing key that we signed`)
  return key
}

async function wrappedKey(deps: WorkerDeps, organizationId: string, keyId: string) {
  const key = await sealed.organizationKey(deps.db, organizationId, keyId)
  if (key === undefined) throw new SealBroken()
  requireKeysOf(deps, key)
  return key
}

/** Throws `KeyLacking` for an organization's key that another keyring may open and this one cannot. */
export function requireKeysOf(
  { unsealer }: Pick<WorkerDeps, 'unsealer'>,
  key: { readonly signerId: string; readonly masterKeyId?: string },
): void {
  const lacking = unsealer.lacks(key)
  if (lacking !== null) throw new KeyLacking(lacking)
}
