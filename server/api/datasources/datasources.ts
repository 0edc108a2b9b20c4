/**
 * The procedures of datasources. A procedure is the use case: parse, decide, store, answer.
 * A procedure of more than a few lines has a file of its own, named after it.
 */
import { z } from 'zod'
import { progress } from '#server/api/checks/progress.ts'
import { validate } from '#server/api/checks/validate.ts'
import { validateRegistered } from '#server/api/checks/validate-registered.ts'
import { verify } from '#server/api/checks/verify.ts'
import { watchProcedure } from '#server/api/datasources/watch.ts'
import { presented } from '#server/api/procedure/presented.ts'
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { procedure, router } from '#server/api/procedure/trpc.ts'
import { register } from '#server/api/registration/register.ts'
import { rotateConnectionString, rotateKey } from '#server/api/registration/rotate.ts'
import { toResponse } from '#server/api/responses/datasource.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import { roleSql } from '#server/domain/checks/role/role-sql.ts'
import { listDatasources } from '#server/store/datasources/datasource-list.ts'
import { Lease, LeaseInput, ReleasedLease } from '#shared/access/lease.ts'
import { DatasourceId, datasourceUuid } from '#shared/base/datasource-name.ts'
import { CheckProgress } from '#shared/checks/progress.ts'
import { Validation } from '#shared/checks/validation.ts'
import { Datasource, DatasourcePage, ListInput } from '#shared/datasources/datasource.ts'
import {
  RemoveAllInput,
  RemovedAll,
  RemoveInput,
  RoleSql,
  RoleSqlInput,
  RotateInput,
  RotateKeyInput,
  UpdateInput,
  ValidateRegisteredInput,
  VerifyInput,
} from '#shared/datasources/datasource-change.ts'
import { RegisterInput, ValidateInput } from '#shared/datasources/registration.ts'
import { VerificationPage, VerificationsInput } from '#shared/datasources/verification.ts'
import { Fault } from '#shared/faults/fault.ts'
import { lease, releaseLease } from './lease.ts'
import { leasesProcedure } from './lease-list.ts'
import { remove } from './remove.ts'
import { removeAll } from './remove-all.ts'
import { update } from './update.ts'
import { listVerifications } from './verifications.ts'

/** `datasources.*`. */
export const datasourcesRouter = router({
  /** Registers a datasource. It starts as `unverified`; nothing is dialled here, because a worker verifies it. */
  register: procedure('datasources.create')
    .input(RegisterInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => register(ctx, input)),

  /** One datasource. Another organization's is not found. */
  get: procedure('datasources.read')
    .input(z.strictObject({ id: DatasourceId, includeRemoved: z.boolean().optional() }))
    .output(presented(Datasource))
    .query(async ({ ctx, input }) => {
      const row = await requireDatasource(ctx, input.id, { includeRemoved: input.includeRemoved ?? false })
      requireScope(ctx.principal, 'datasources.read', { datasourceId: row.id })
      return toResponse(row)
    }),

  /** A page of both modes, newest first; `cursor` is the id of the last one seen. */
  list: procedure('datasources.read')
    .input(ListInput)
    .output(presented(DatasourcePage))
    .query(async ({ ctx, input }) => {
      const { limit, cursor, newerThan, updatedSince, ...filter } = input
      const olderThan = position(cursor)
      const newer = position(newerThan)
      const rows = await listDatasources(ctx.db, ctx.principal.organizationId, {
        ...filter,
        ...(updatedSince === undefined ? {} : { updatedSince: new Date(updatedSince) }),
        ...(olderThan === undefined ? {} : { olderThan }),
        ...(newer === undefined ? {} : { newerThan: newer }),
        ...(ctx.principal.datasourceIds === null ? {} : { ids: ctx.principal.datasourceIds }),
        limit: limit + 1,
      })
      // When paging backwards, the surplus row that indicates more is the first.
      const kept = newer !== undefined && rows.length > limit ? rows.slice(1) : rows.slice(0, limit)
      const items = kept.map(toResponse)
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
    }),

  /** The results of its checks, newest first; `cursor` is the id of the last one seen. */
  verifications: procedure('datasources.read')
    .input(VerificationsInput)
    .output(VerificationPage)
    .query(({ ctx, input }) => listVerifications(ctx, input)),

  /** The progress of the running check. */
  progress: procedure('datasources.read')
    .input(z.strictObject({ id: DatasourceId }))
    .output(CheckProgress)
    .query(({ ctx, input }) => progress(ctx, input)),

  /** Makes the check due now. */
  verify: procedure('datasources.update')
    .input(VerifyInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => verify(ctx, input)),

  /** Changes name, metadata, schema or excluded schemas. */
  update: procedure('datasources.update')
    .input(UpdateInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => update(ctx, input)),

  /** Replaces a direct datasource's credential once the new one has passed its check. */
  rotate: procedure('datasources.update')
    .input(RotateInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => rotateConnectionString(ctx, input)),

  /** Replaces an endpoint's signing key. */
  rotateKey: procedure('datasources.update')
    .input(RotateKeyInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => rotateKey(ctx, input)),

  /** Streams every change of the organization's datasources as it happens. */
  watch: watchProcedure,

  /** Leases the current credential to a one-time key of the caller, who presents an operator's capability. */
  lease: procedure('datasources.lease')
    .input(LeaseInput)
    .output(Lease)
    .mutation(({ ctx, input }) => lease(ctx, input)),

  /** Leases of a datasource, live and ended, newest first, without the leased credentials. */
  leases: leasesProcedure,

  /** Ends a lease early. */
  releaseLease: procedure('datasources.lease')
    .input(ReleasedLease)
    .output(ReleasedLease)
    .mutation(({ ctx, input }) => releaseLease(ctx, input.leaseId)),

  /** Runs the checklist on a connection string and stores nothing. */
  validate: procedure('datasources.create')
    .input(ValidateInput)
    .output(Validation)
    .mutation(({ ctx, input }) => validate(ctx, input)),

  /** Runs the checklist on a registered datasource without changing it. */
  validateRegistered: procedure('datasources.create')
    .input(ValidateRegisteredInput)
    .output(Validation)
    .mutation(({ ctx, input }) => validateRegistered(ctx, input)),

  /** The SQL that creates a least-privileged role which passes the checklist. */
  roleSql: procedure('datasources.read')
    .input(RoleSqlInput)
    .output(RoleSql)
    .query(({ input }) => ({ sql: roleSql(input) })),

  /**
   * Removes a datasource: the record stays for audit, and the credential's bytes are destroyed in the same transaction.
   */
  remove: procedure('datasources.remove')
    .input(RemoveInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => remove(ctx, input)),

  /** Removes every datasource of the caller's mode. */
  removeAll: procedure('datasources.remove')
    .input(RemoveAllInput)
    .output(RemovedAll)
    .mutation(({ ctx }) => removeAll(ctx)),
})

function position(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const uuid = datasourceUuid(cursor)
  if (uuid !== null) return uuid
  throw new Fault('invalid_request', {
    issues: [{ path: ['cursor'], code: 'cursor', message: 'not a cursor of this list' }],
  })
}
