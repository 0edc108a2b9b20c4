/** The procedures of datasources. A procedure is the use case: parse, decide, store, answer. */
import { z } from 'zod'
import { roleSql } from '#server/domain/role-sql.ts'
import { refusal } from '#server/domain/scope.ts'
import * as audit from '#server/store/audit.ts'
import * as changes from '#server/store/changes.ts'
import * as datasources from '#server/store/datasources.ts'
import { transaction } from '#server/store/db.ts'
import * as tasks from '#server/store/tasks.ts'
import {
  Datasource,
  DatasourcePage,
  ListInput,
  RegisterInput,
  RoleSql,
  RoleSqlInput,
  RotateInput,
  RotateKeyInput,
  UpdateInput,
  ValidateInput,
} from '#shared/datasource.ts'
import { Fault } from '#shared/fault.ts'
import { Lease, LeaseInput, ReleasedLease } from '#shared/lease.ts'
import { Validation } from '#shared/validation.ts'
import { DatasourceId, uuidOf, WaitSeconds } from '#shared/wire.ts'
import { eventOf } from './context.ts'
import { lease, releaseLease } from './lease.ts'
import { once } from './once.ts'
import { changeable, present, rowOf } from './present.ts'
import { register } from './register.ts'
import { rotate, rotateKey } from './rotate.ts'
import { procedure, router } from './trpc.ts'
import { update } from './update.ts'
import { validate } from './validate.ts'
import { checked, verifyTask } from './verdict.ts'
import { watchProcedure } from './watch.ts'

const idempotencyKey = z.string().min(1).max(255).optional()

export const datasourcesRouter = router({
  /** Registers a datasource. It begins `unverified`; nothing is dialled here, a worker verifies it. */
  register: procedure('datasources.create')
    .input(RegisterInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => register(ctx, input)),

  /** One datasource. Another organization's does not exist. */
  get: procedure('datasources.read')
    .input(z.strictObject({ id: DatasourceId, includeRemoved: z.boolean().optional() }))
    .output(Datasource)
    .query(async ({ ctx, input }) => {
      const row = await rowOf(ctx, input.id, { includeRemoved: input.includeRemoved ?? false })
      const denied = refusal(ctx.principal, 'datasources.read', { datasourceId: row.id })
      if (denied !== null) throw new Fault(denied)
      return present(row)
    }),

  /** A page of both planes, newest first; `cursor` is the id of the last one seen. */
  list: procedure('datasources.read')
    .input(ListInput)
    .output(DatasourcePage)
    .query(async ({ ctx, input }) => {
      const { limit, cursor, newerThan, ...filter } = input
      const olderThan = position(cursor)
      const newer = position(newerThan)
      const rows = await datasources.list(ctx.parts.db, ctx.principal.organizationId, {
        ...filter,
        ...(olderThan === undefined ? {} : { olderThan }),
        ...(newer === undefined ? {} : { newerThan: newer }),
        ...(ctx.principal.datasourceIds === null ? {} : { ids: ctx.principal.datasourceIds }),
        limit: limit + 1,
      })
      // Backwards, the surplus row that tells of more stands at the front.
      const kept = newer !== undefined && rows.length > limit ? rows.slice(1) : rows.slice(0, limit)
      const items = kept.map(present)
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
    }),

  /** Makes the check due now. */
  verify: procedure('datasources.update')
    .input(z.strictObject({ id: DatasourceId, waitSeconds: WaitSeconds.optional(), idempotencyKey }))
    .output(Datasource)
    .mutation(async ({ ctx, input }) => {
      const row = await changeable(ctx, input.id, 'datasources.update')
      const waitSeconds = input.waitSeconds ?? 0
      const about = { action: 'datasource.verification_requested', objectKind: 'datasource', objectId: row.id }
      return once(ctx, {
        path: 'datasources.verify',
        input,
        effect: within =>
          transaction(within.parts.db, async tx => {
            const org = ctx.principal.organizationId
            if ((await datasources.lock(tx, org, { id: row.id })) === undefined) throw new Fault('entity_not_found')
            await audit.append(tx, org, eventOf(ctx, about))
            return { id: row.id, request: await tasks.request(tx, org, verifyTask(ctx, row.id)) }
          }),
        answer: (within, placed) => checked(within, { ...placed, waitSeconds }),
        waits: waitSeconds > 0,
        rings: ['work'],
      })
    }),

  /** Changes name, metadata, schema or excluded schemas. */
  update: procedure('datasources.update')
    .input(UpdateInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => update(ctx, input)),

  /** Replaces a direct datasource's credential once the new one has passed its check. */
  rotate: procedure('datasources.update')
    .input(RotateInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => rotate(ctx, input)),

  /** Replaces an endpoint's signing key. */
  rotateKey: procedure('datasources.update')
    .input(RotateKeyInput)
    .output(Datasource)
    .mutation(({ ctx, input }) => rotateKey(ctx, input)),

  /** Every change of the organization's datasources, as it happens. */
  watch: watchProcedure,

  /** Leases the credential in force to a one-time key of the caller's, who presents an operator's capability. */
  lease: procedure('datasources.lease')
    .input(LeaseInput)
    .output(Lease)
    .mutation(({ ctx, input }) => lease(ctx, input)),

  /** Ends a lease before its time. */
  releaseLease: procedure('datasources.lease')
    .input(ReleasedLease)
    .output(ReleasedLease)
    .mutation(({ ctx, input }) => releaseLease(ctx, input.leaseId)),

  /** Runs the checklist on a connection string and stores nothing. */
  validate: procedure('datasources.create')
    .input(ValidateInput)
    .output(Validation)
    .mutation(({ ctx, input }) => validate(ctx, input)),

  /** The SQL that makes a least-privileged role which passes the checklist. */
  roleSql: procedure('datasources.read')
    .input(RoleSqlInput)
    .output(RoleSql)
    .query(({ input }) => ({ sql: roleSql(input) })),

  /** Removes a datasource: the record stays for audit, the credential's bytes are destroyed in the same transaction. */
  remove: procedure('datasources.remove')
    .input(z.strictObject({ id: DatasourceId }))
    .output(Datasource)
    .mutation(async ({ ctx, input }) => {
      const row = await changeable(ctx, input.id, 'datasources.remove')
      const org = ctx.principal.organizationId
      const now = ctx.parts.clock()
      const about = { action: 'datasource.removed', objectKind: 'datasource', objectId: row.id }
      await transaction(ctx.parts.db, async tx => {
        if ((await datasources.lock(tx, org, { id: row.id })) === undefined) throw new Fault('entity_not_found')
        await datasources.remove(tx, org, { id: row.id, now })
        await audit.append(tx, org, eventOf(ctx, about))
        await changes.append(tx, org, { datasourceId: row.id, change: 'removed', at: now })
      })
      ctx.parts.signals.ring('news')
      return present({ ...row, deleted_at: now, next_check_at: null })
    }),
})

function position(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const uuid = uuidOf(cursor, 'ds_', 'ds_test_', 'dse_')
  if (uuid !== null) return uuid
  throw new Fault('invalid_request', {
    issues: [{ path: ['cursor'], code: 'cursor', message: 'not a cursor of ours' }],
  })
}
