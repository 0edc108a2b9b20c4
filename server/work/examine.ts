/**
 * Dials a database and judges what was found: the heart of `verify` and `validate`.
 * It writes nothing; what is made of a verdict is its callers' business.
 */

import { type Judgement, judge, type RolePolicy } from '#server/domain/verification.ts'
import { SealBroken } from '#server/seal/held-key.ts'
import type { FaultCode } from '#shared/fault.ts'
import { guardedProbe } from './guarded-probe.ts'
import type { WorkerParts } from './parts.ts'
import { type Resolved, resolve, type Unresolved } from './resolve.ts'

const DEADLINE_MS = 12_000

/** A verdict, and what was dialled for it; `resolved` is null when nothing was. */
export interface Examined {
  readonly judgement: Judgement
  readonly resolved: Extract<Resolved, { ok: true }> | null
}

/** Resolves, dials and judges. Never throws for what a customer, a caller or a server did. */
export async function examine(
  parts: WorkerParts,
  of: Unresolved & { schema: string | null; dbType: string; rolePolicy: RolePolicy; isTrusted: boolean },
): Promise<Examined> {
  let resolved: Resolved
  try {
    resolved = await resolve(parts, of)
  } catch (thrown) {
    if (!(thrown instanceof SealBroken)) throw thrown
    parts.log.error({ organizationId: of.organizationId }, 'a stored credential could not be opened')
    return { judgement: refusedUndialled('credential_unreadable'), resolved: null }
  }
  if (!resolved.ok) return { judgement: refusedUndialled(resolved.reason), resolved: null }
  const { target, caCertificate } = resolved
  const { schema, dbType, rolePolicy } = of
  const probe = await guardedProbe(parts, {
    organizationId: of.organizationId,
    isTrusted: of.isTrusted,
    request: { target, caCertificate, schema, deadlineMs: DEADLINE_MS },
  })
  return { judgement: judge(probe, { schema, rolePolicy, dbType, target }), resolved }
}

/** A verdict that was reached without dialling. */
export function refusedUndialled(reason: FaultCode): Judgement {
  return { checks: [], advisories: [], outcome: 'refused', reason, retryable: false }
}
