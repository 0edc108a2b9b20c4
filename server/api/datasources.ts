/** The procedures of datasources. A procedure is the use case: parse, decide, store, answer. */

import { z } from 'zod'
import { Datasource, DatasourcePage, ListInput, RegisterInput } from '#shared/datasource.ts'
import { Fault } from '#shared/fault.ts'
import { DatasourceId, uuidOf, WaitSeconds } from '#shared/wire.ts'
import { refusal } from '../domain/scope.ts'
import * as audit from '../store/audit.ts'
import * as datasources from '../store/datasources.ts'
import { transaction } from '../store/db.ts'
import * as tasks from '../store/tasks.ts'
import { eventOf } from './context.ts'
import { changeable, present, rowOf } from './present.ts'
import { answer, register, verifyTask } from './register.ts'
import { procedure, router } from './trpc.ts'

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
    .input(z.strictObject({ id: DatasourceId, waitSeconds: WaitSeconds.optional() }))
    .output(Datasource)
    .mutation(async ({ ctx, input }) => {
      const row = await changeable(ctx, input.id, 'datasources.update')
      const org = ctx.principal.organizationId
      const request = await transaction(ctx.parts.db, async tx => {
        if ((await datasources.lock(tx, org, { id: row.id })) === undefined) throw new Fault('entity_not_found')
        await audit.append(
          tx,
          org,
          eventOf(ctx, { action: 'datasource.verification_requested', objectKind: 'datasource', objectId: row.id }),
        )
        return tasks.request(tx, org, verifyTask(ctx, row.id))
      })
      ctx.parts.signals.ring('work')
      return answer(ctx, { id: row.id, request, waitSeconds: input.waitSeconds ?? 0 })
    }),

  /** Removes a datasource: the record stays for audit, the credential's bytes are destroyed in the same transaction. */
  remove: procedure('datasources.remove')
    .input(z.strictObject({ id: DatasourceId }))
    .output(Datasource)
    .mutation(async ({ ctx, input }) => {
      const row = await changeable(ctx, input.id, 'datasources.remove')
      const org = ctx.principal.organizationId
      const now = ctx.parts.clock()
      await transaction(ctx.parts.db, async tx => {
        if ((await datasources.lock(tx, org, { id: row.id })) === undefined) throw new Fault('entity_not_found')
        await datasources.remove(tx, org, { id: row.id, now })
        await audit.append(
          tx,
          org,
          eventOf(ctx, { action: 'datasource.removed', objectKind: 'datasource', objectId: row.id }),
        )
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
