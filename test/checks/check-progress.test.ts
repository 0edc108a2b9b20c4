/**
 * The progress of a running check: reported to callers who watch, in five known words, and never after the check has
 * ended.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PASSED_AFTER_MS, readPassed, sendPassed } from '#server/net/process/passed-items.ts'
import * as checkProgress from '#server/store/tasks/check-progress.ts'
import type * as claims from '#server/store/tasks/claims.ts'
import { DIAL_ITEMS, type DialItem } from '#shared/checks/items.ts'
import { query } from '#test/support/database/postgres.ts'
import { failure, frame, type HostileServer, OFFER, startHostile } from '#test/support/dials/hostile-postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let customer: Customer
/** A server that accepts the startup message and offers a login, and refuses it once `refuse` is called. */
let slow: HostileServer
const { promise: refused, resolve: refuse } = Promise.withResolvers<void>()
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  slow = await startHostile(async peer => {
    await peer.startup()
    peer.send(OFFER)
    await refused
    peer.send(failure({ S: 'FATAL', C: '28P01' }))
  })
})
afterAll(async () => {
  refuse()
  await slow.stop()
  await customer.drop()
  await mooring.stop()
})

const register = (connectionString: string, waitSeconds: number) =>
  mooring.client().datasources.register.mutate({ connectionString, waitSeconds })
const told = () => query(mooring.databaseUrl, 'select reached, reached_by from tasks where reached is not null')

describe('A check', () => {
  it('that has ended reports no progress', async () => {
    const { id, status } = await register(customer.url(), 20)
    expect(status).toBe('active')
    expect(await mooring.client().datasources.progress.query({ id })).toEqual({ isRunning: false, reached: [] })
  })

  it('that waits for a server reports its progress until it ends', async () => {
    const url = `postgres://app:T3ll-n0-one@127.0.0.1:${slow.port}/shop?sslmode=disable`
    const { id, status } = await register(url, 0)
    expect(status).toBe('unverified')
    const { datasources } = mooring.client()
    const reached = ['host', 'connect', 'tls']
    await expect
      .poll(() => datasources.progress.query({ id }), { timeout: 10_000 })
      .toEqual({ isRunning: true, reached })
    refuse()
    await expect.poll(async () => (await datasources.get.query({ id })).status, { timeout: 10_000 }).toBe('rejected')
    expect(await datasources.progress.query({ id })).toEqual({ isRunning: false, reached: [] })
    expect(JSON.stringify(await told())).not.toContain('T3ll')
  })
})

describe('The progress of a check', () => {
  it('belongs to its claim: a claim that takes the task over starts again, and a lost claim reports nothing', async () => {
    const { id } = await register(customer.url(), 20)
    const org = mooring.organization.id
    await query(mooring.databaseUrl, `update tasks set reached = null, reached_by = null`)
    const [task] = await mooring.db
      .updateTable('tasks')
      .set({ locked_until: new Date(Date.now() + 60_000), settled: 0 })
      .where('org_id', '=', org)
      .where('kind', '=', 'verify')
      .where('reached', 'is', null)
      .returning(['id', 'kind', 'datasource_id', 'token', 'requested'])
      .execute()
    if (task === undefined) throw new Error('there is a task of the check')
    const of = { datasourceId: task.datasource_id ?? '', now: new Date() }
    const held: claims.Claim = {
      organizationId: org,
      id: task.id,
      kind: task.kind,
      datasourceId: task.datasource_id,
      standing: true,
      payload: null,
      attempts: 1,
      requested: task.requested,
      token: task.token,
      awaits: null,
    }
    await checkProgress.save(mooring.db, held, 'connect')
    expect(await checkProgress.read(mooring.db, org, of)).toBe('connect')
    await query(mooring.databaseUrl, `update tasks set token = token + 1 where id = '${task.id}'`)
    expect(await checkProgress.read(mooring.db, org, of)).toBe(null)
    await checkProgress.save(mooring.db, held, 'tls')
    expect(await told()).toEqual([{ reached: 'connect', reached_by: expect.anything() }])
    await query(mooring.databaseUrl, `update tasks set token = token - 1, settled = requested where id = '${task.id}'`)
    await checkProgress.save(mooring.db, held, 'tls')
    expect(await checkProgress.read(mooring.db, org, of)).toBe('connect')
    await query(mooring.databaseUrl, `update tasks set locked_until = null where id = '${task.id}'`)
    expect(await checkProgress.read(mooring.db, org, of)).toBe(undefined)
    expect(id).toMatch(/^ds_test_/)
  })
})

describe('A dialling process', () => {
  it('may report five words, each once and in order', () => {
    const heard: DialItem[] = []
    const read = readPassed(item => heard.push(item))
    for (const item of DIAL_ITEMS) read(Buffer.from(JSON.stringify(item)))
    expect(heard).toEqual(DIAL_ITEMS)
    for (const item of [...DIAL_ITEMS, 'role_superuser', 'host '])
      expect(() => read(Buffer.from(JSON.stringify(item)))).toThrow(RangeError)
    for (const body of ['', 'host', 'null', '"host', '["host"]', `"${'h'.repeat(5_000)}"`])
      expect(() => readPassed(() => undefined)(Buffer.from(body))).toThrow(RangeError)
    const skipping = readPassed(() => undefined)
    skipping(Buffer.from('"tls"'))
    expect(() => skipping(Buffer.from('"connect"'))).toThrow(RangeError)
  })

  it('reports the last word after a moment, once, even if a dial repeats a stage, and nothing after its end', () => {
    vi.useFakeTimers()
    try {
      const sent: Buffer[] = []
      // Sound: only `write` is called.
      const pipe = { write: (bytes: Buffer) => sent.push(bytes) } as unknown as Parameters<typeof sendPassed>[0]
      const { passed, stop } = sendPassed(pipe)
      const words = () => Buffer.concat(sent)
      const framed = (...items: DialItem[]) => Buffer.concat(items.map(item => frame('p', JSON.stringify(item))))
      for (const stage of ['parse', 'resolve', 'policy', 'connect', 'policy'] as const) passed(stage)
      expect(sent).toEqual([])
      vi.advanceTimersByTime(PASSED_AFTER_MS)
      expect(words()).toEqual(framed('connect'))
      passed('connect')
      passed('policy')
      vi.advanceTimersByTime(PASSED_AFTER_MS)
      expect(words()).toEqual(framed('connect'))
      for (const stage of ['tls', 'tls', 'privilege'] as const) passed(stage)
      vi.advanceTimersByTime(PASSED_AFTER_MS)
      expect(words()).toEqual(framed('connect', 'tls'))
      passed('authenticate')
      stop()
      vi.advanceTimersByTime(PASSED_AFTER_MS)
      expect(words()).toEqual(framed('connect', 'tls'))
    } finally {
      vi.useRealTimers()
    }
  })
})
