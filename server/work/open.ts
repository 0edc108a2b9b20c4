/** Opens stored credentials and task payloads for the kinds of work that need them. Worker only. */
import type { SealedBox, Secret } from '../domain/sealed.ts'
import { SealBroken } from '../seal/unsealer.ts'
import * as sealed from '../store/sealed.ts'
import type { WorkerParts } from './parts.ts'

/** Opens one credential. Throws `SealBroken` when it is not the one that was sealed for its row. */
export async function openCredential(parts: WorkerParts, credential: sealed.SealedCredential): Promise<Secret> {
  const key = await organizationKey(parts, credential.context.organizationId, credential.sealed.keyId)
  return parts.unsealer.openCredential(key, credential.context, credential.sealed)
}

/** Opens the payload of a task, as `payload` holds it. Throws `SealBroken`. */
export async function openPayload(
  parts: WorkerParts,
  organizationId: string,
  of: { taskId: string; payload: SealedBox },
): Promise<unknown> {
  const key = await organizationKey(parts, organizationId, of.payload.keyId)
  return parts.unsealer.openTask(key, { organizationId, taskId: of.taskId }, of.payload)
}

async function organizationKey(parts: WorkerParts, organizationId: string, keyId: string) {
  const key = await sealed.organizationKey(parts.db, organizationId, keyId)
  if (key === undefined) throw new SealBroken()
  return key
}
