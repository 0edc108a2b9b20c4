/**
 * An introspection whose datasource was removed meanwhile had no outcome: its caller waited to the end, and the task
 * came back once a minute until it was deleted.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import * as outcomes from '#server/store/tasks/outcomes.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring()
})
afterAll(() => mooring.stop())

it('An introspection whose datasource is removed meanwhile fails at once: the datasource does not exist', async () => {
  const connectionString = 'postgresql://app:secret@127.0.0.1:1/app'
  const { id } = await mooring.client().datasources.register.mutate({ connectionString })
  await mooring.client().datasources.remove.mutate({ id })
  const [org, taskId, now] = [mooring.organization.id, newId(), new Date()]
  const task = { id: taskId, kind: 'introspect' as const, datasourceId: bareUuid(id), payload: null, now }
  await tasks.submit(mooring.db, org, { ...task, expiresAt: new Date(now.getTime() + 60_000) })
  await query(mooring.databaseUrl, 'notify mooring_work')
  const outcome = await onNotification(mooring.databaseUrl, () => outcomes.takeOutcome(mooring.db, org, taskId))
  expect(outcome).toEqual({ outcome: { fault: 'entity_not_found' } })
  expect(await query(mooring.databaseUrl, 'select id from tasks')).toEqual([])
})
