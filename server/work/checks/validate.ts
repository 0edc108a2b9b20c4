/**
 * Runs the checklist on a connection string that nobody has registered. The outcome belongs to the task and is deleted
 * once read; the string is deleted with the payload.
 */
import type { Verification } from '#server/domain/checks/verification.ts'
import { openingOr } from '#server/seal/held-key.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { openInForce, openPayload } from '#server/work/credentials/open.ts'
import { isMoved, isTrusted } from '#server/work/credentials/standing.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import type { Validation } from '#shared/checks/validation.ts'
import { aboutVerdict } from './about-verdict.ts'
import { refusedUndialled, verifyConnection } from './verify-connection.ts'

/** Performs a `validate` task. */
export async function handleValidate(deps: WorkerDeps, claim: claims.Claim): Promise<void> {
  const verification = await runVerification(deps, claim)
  await claims.finish(deps.db, claim, validationOf(verification))
  deps.log.info(aboutVerdict(claim, verification), 'validated')
  deps.notifications.ring('news', claim.organizationId)
}

function runVerification(deps: WorkerDeps, claim: claims.Claim): Promise<Verification> {
  const { organizationId, datasourceId } = claim
  const checks = async () => {
    if (datasourceId !== null) return registered(deps, { organizationId, datasourceId })
    const { secret, schema, dbType } = await openPayload(deps, claim, 'validate')
    const { rolePolicy } = await organizations.settings(deps.db, organizationId)
    const { verification } = await verifyConnection(deps, {
      organizationId,
      inForce: null,
      rolePolicy,
      isTrusted: false,
      md5Allowed: false,
      secret,
      schema,
      dbType,
    })
    return verification
  }
  return openingOr(checks, () => refusedUndialled('credential_unreadable'))
}

/** The result of a check of a registered datasource, which is not stored. */
async function registered(
  deps: WorkerDeps,
  { organizationId, datasourceId }: { organizationId: string; datasourceId: string },
): Promise<Verification> {
  const row = await sealed.datasource(deps.db, organizationId, datasourceId)
  if (row === undefined || row.kind !== 'direct' || row.current === null || isMoved(deps, row))
    return refusedUndialled('credential_unreadable')
  const { rolePolicy } = await organizations.settings(deps.db, organizationId)
  const { verification } = await verifyConnection(deps, {
    organizationId,
    secret: openInForce(deps, row, row.current),
    inForce: null,
    rolePolicy,
    isTrusted: isTrusted(deps, row),
    md5Allowed: row.status === 'active' && row.current.md5Allowed,
    schema: row.schema,
    dbType: row.db_type ?? 'postgresql',
  })
  return verification
}

/** A verdict in the form that `datasources.validate` returns. */
export function validationOf(verification: Verification): Validation {
  const { checks, advisories, outcome, reason } = verification
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
