/**
 * The verifications of a datasource, as `datasources.verifications` pages them: each run of its checklist, newest
 * first. `docs/limits.md` says how many are kept.
 */
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { MAX_PAGE } from '#shared/base/page.ts'
import { Timestamp } from '#shared/base/wire.ts'
import { Advisory, Check } from '#shared/checks/check.ts'

/** Input of `datasources.verifications`. `cursor` is the id of the last verification already seen. */
export const VerificationsInput = z.strictObject({
  id: DatasourceId,
  limit: z.number().int().min(1).max(MAX_PAGE).default(20),
  cursor: z.uuid().optional(),
})
export type VerificationsInput = z.output<typeof VerificationsInput>

/**
 * One verification. `reason` is the fault code of the first failure; `credentialVersion` is the version of the
 * credential that was checked.
 */
export const Verification = z.object({
  id: z.uuid(),
  at: Timestamp,
  verdict: z.enum(['passed', 'refused', 'unreachable']),
  reason: z.string().nullable(),
  checks: z.array(Check),
  advisories: z.array(Advisory),
  tookMs: z.number().int(),
  credentialVersion: z.number().int(),
})
export type Verification = z.output<typeof Verification>

/** A page, newest first. `nextCursor` is null on the last page. */
export const VerificationPage = z.object({ items: z.array(Verification), nextCursor: z.string().nullable() })
