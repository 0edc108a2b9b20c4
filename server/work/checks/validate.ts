/**
 * Runs the checklist on a string that nobody registered.
 * The outcome is the task's, and goes when it is read; the string goes with the payload.
 */
import type { Judgement } from '#server/domain/checks/verification.ts'
import { openingOr } from '#server/seal/held-key.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { openInForce, openPayload } from '#server/work/credentials/open.ts'
import { isMoved, isTrusted } from '#server/work/credentials/standing.ts'
import type { WorkerParts } from '#server/work/parts.ts'
import type { Validation } from '#shared/checks/validation.ts'
import { examine, refusedUndialled } from './examine.ts'

/** The work of a `validate` task. */
export async function validate(parts: WorkerParts, claim: claims.Claim): Promise<void> {
  const judgement = await judged(parts, claim)
  await claims.finish(parts.db, claim, validationOf(judgement))
  parts.signals.ring('news')
}

function judged(parts: WorkerParts, claim: claims.Claim): Promise<Judgement> {
  const { organizationId, datasourceId } = claim
  const checks = async () => {
    if (datasourceId !== null) return registered(parts, { organizationId, datasourceId })
    const { secret, schema, dbType } = await openPayload(parts, claim, 'validate')
    const { rolePolicy } = await organizations.settings(parts.db, organizationId)
    const { judgement } = await examine(parts, {
      organizationId,
      inForce: null,
      rolePolicy,
      isTrusted: false,
      md5Allowed: false,
      secret,
      schema,
      dbType,
    })
    return judgement
  }
  return openingOr(checks, () => refusedUndialled('credential_unreadable'))
}

/** What a check of a registered one would find; nothing of it is kept. */
async function registered(
  parts: WorkerParts,
  of: { organizationId: string; datasourceId: string },
): Promise<Judgement> {
  const { organizationId, datasourceId } = of
  const row = await sealed.datasource(parts.db, organizationId, datasourceId)
  if (row === undefined || row.kind !== 'direct' || row.current === null || isMoved(parts, row))
    return refusedUndialled('credential_unreadable')
  const { rolePolicy } = await organizations.settings(parts.db, organizationId)
  const { judgement } = await examine(parts, {
    organizationId,
    secret: openInForce(parts, row, row.current),
    inForce: null,
    rolePolicy,
    isTrusted: isTrusted(parts, row),
    md5Allowed: row.status === 'active' && row.current.md5Allowed,
    schema: row.schema,
    dbType: row.db_type ?? 'postgresql',
  })
  return judgement
}

/** A verdict as `datasources.validate` answers it. */
export function validationOf(judgement: Judgement): Validation {
  const { checks, advisories, outcome, reason } = judgement
  const failed = checks.filter(check => check.outcome === 'fail')
  return {
    reachable: checks.some(check => check.item === 'connect' && check.outcome === 'pass'),
    ready: outcome === 'passed',
    ...(reason === null ? {} : { reason }),
    failures: failed.map(({ item, actual, fix }) => ({
      item,
      ...(actual === undefined ? {} : { actual }),
      fix: fix ?? '',
    })),
    advisories,
  }
}
