/**
 * Amplification (A2): a caller requests, in batches, a hostile catalog that is stored in kilobytes and unpacks to
 * megabytes. The web process is a child process; the test measures its memory and another tenant's latency.
 */

import { fileURLToPath } from 'node:url'
import { zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { inPlace, JsonText } from '#server/api/schemas/reader/json-text.ts'
import {
  MAX_ANSWER_BYTES,
  MAX_WAITING_READINGS,
  READERS,
  SnapshotReader,
} from '#server/api/schemas/reader/snapshot-reader.ts'
import { newId } from '#server/domain/access/ids.ts'
import { transaction } from '#server/store/database/db.ts'
import * as snapshots from '#server/store/schemas/snapshots.ts'
import { typedId } from '#shared/base/wire.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { snapshot } from '#test/support/schemas/snapshots.ts'

const WATCH = fileURLToPath(import.meta.resolve('#test/support/operations/loop-watch.ts'))
const packed = (value: unknown) => zstdCompressSync(Buffer.from(JSON.stringify(value)))

let tiers: Tiers
let web: TierProcess
let url: string
let datasourceId: string
beforeAll(async () => {
  tiers = await makeTiers()
  web = await tiers.start('web', { flags: ['--import', WATCH], env: { MOORING_ALLOWED_NETWORKS: '' } })
  url = await tiers.urlOf(web)
  const client = await tiers.client(web)
  const connectionString = 'postgresql://app:secret@db.example.com/shop'
  datasourceId = (await client.datasources.register.mutate({ connectionString })).id
})
afterAll(() => tiers.stop())

/** A snapshot with this many tables of about 10 KB each in `big`, and one table in `small`. */
function catalog(tables: number) {
  const column = (at: number) => ({ name: `c${at}`, type: 'x'.repeat(1_000) })
  const relation = (at: number) => ({
    name: `t${at}`,
    kind: 'table',
    columns: Array.from({ length: 10 }, (_, n) => column(n)),
  })
  const big = { name: 'big', relations: Array.from({ length: tables }, (_, at) => relation(at)) }
  return snapshot({ schemas: [big, { name: 'small', relations: [relation(0)] }] })
}

async function stored(tables: number): Promise<string> {
  const { observed, ...content } = catalog(tables)
  const id = newId()
  await transaction(tiers.db, tx =>
    snapshots.insert(unitOf(tx, tiers.organization.id), {
      id,
      datasourceId: bareUuid(datasourceId),
      fingerprint: id,
      digest: null,
      schemasAsked: null,
      excludedSchemas: [],
      tableCount: tables,
      content: packed(content),
      observed: packed(observed),
      previousId: null,
      drift: null,
      at: new Date(),
    }),
  )
  return typedId('snap_', id)
}

/** The web process since the last call: the longest CPU time of its loop at once, in ms, and its memory. */
async function used(): Promise<{ longestCpuMs: number; rssMiB: number }> {
  const before = web.lines().filter(line => line['msg'] === 'loop').length
  web.process.kill('SIGUSR2')
  return vi.waitFor(() => {
    const reported = web.lines().filter(line => line['msg'] === 'loop')[before]
    if (reported === undefined) throw new Error('not yet')
    return { longestCpuMs: Number(reported['longestCpuMs']), rssMiB: Number(reported['rssMiB']) }
  })
}

/** A batch of `snapshots.get` calls; the fault or the number of schemas of each answer. */
async function batch(inputs: readonly object[]): Promise<{ status: number; ends: (string | number)[]; text: string }> {
  const names = inputs.map(() => 'snapshots.get').join(',')
  const input = encodeURIComponent(JSON.stringify(Object.fromEntries(inputs.entries())))
  const headers = { authorization: `Bearer ${tiers.organization.testKey}` }
  const answer = await fetch(`${url}/trpc/${names}?batch=1&input=${input}`, { headers })
  const text = await answer.text()
  const ends = JSON.parse(text).map(
    (one: { error?: { data: { fault: string } }; result?: { data: { content: { schemas: unknown[] } } } }) =>
      one.error?.data.fault ?? one.result?.data.content.schemas.length,
  )
  return { status: answer.status, ends, text }
}

const fifth = (snapshotId: string) => Array.from({ length: 20 }, () => ({ snapshotId }))

describe('A batch of twenty readings of a snapshot', () => {
  it('returns MAX_ANSWER_BYTES in all; the others are refused, and the process stays small', async () => {
    const snapshotId = await stored(600)
    // A first run, so that compilation is not measured.
    await batch([{ snapshotId, schema: 'small' }])
    await used()
    const { ends, text } = await batch(fifth(snapshotId))
    const { longestCpuMs, rssMiB } = await used()
    expect(ends.filter(end => end === 2).length).toBeLessThanOrEqual(2)
    expect(ends.filter(end => end === 2).length).toBeGreaterThan(0)
    expect(new Set(ends)).toEqual(new Set([2, 'response_too_large']))
    expect(text.length).toBeLessThan(MAX_ANSWER_BYTES * 1.1)
    process.stdout.write(
      `20 × 6 MB: loop at most ${Math.round(longestCpuMs)} ms of CPU at once, RSS ${Math.round(rssMiB)} MiB\n`,
    )
    // CPU time, since other processes of a busy machine must not count.
    expect(longestCpuMs).toBeLessThan(250)
    expect(rssMiB).toBeLessThan(900)
  })
})

describe('One reading', () => {
  it('above MAX_ANSWER_BYTES is 413 naming schema and table, and succeeds when narrowed', async () => {
    const snapshotId = await stored(1_900)
    const whole = await batch([{ snapshotId }])
    expect([whole.status, whole.ends]).toEqual([413, ['response_too_large']])
    expect(JSON.parse(whole.text)[0].error.data.issues.map((issue: { path: string[] }) => issue.path)).toEqual([
      ['schema'],
      ['table'],
    ])
    const narrow = await batch([
      { snapshotId, schema: 'small' },
      { snapshotId, schema: 'big', table: 't7' },
      { snapshotId, schema: 'nowhere' },
    ])
    expect([narrow.status, narrow.ends]).toEqual([200, [1, 1, 0]])
    const [, table] = JSON.parse(narrow.text)
    expect(table.result.data.content.schemas[0].relations.map((one: { name: string }) => one.name)).toEqual(['t7'])
  })
})

describe('Readings', () => {
  it('run READERS at a time, MAX_WAITING_READINGS wait, and one more is 503', async () => {
    const reader = new SnapshotReader()
    const { observed, ...content } = catalog(1)
    const read = async () => {
      const budget = { leftBytes: MAX_ANSWER_BYTES, texts: [] }
      const { bytes } = await reader.part({ content: packed(content), observed: packed(observed) }, {}, budget)
      return JSON.parse(Buffer.from(bytes).toString('utf8'))
    }
    const all = Array.from({ length: READERS + MAX_WAITING_READINGS }, read)
    await expect(read()).rejects.toMatchObject({ code: 'service_unavailable' })
    for (const one of await Promise.all(all)) expect(one).toMatchObject({ version: 1 })
    expect(await read()).toMatchObject({ version: 1 })
  })
})

describe('Drift', () => {
  it('of two large snapshots does not block the loop in proportion to their size, and is refused above MAX_ANSWER_BYTES', async () => {
    const [none, some, many] = [await stored(0), await stored(600), await stored(1_900)]
    const headers = { authorization: `Bearer ${tiers.organization.testKey}` }
    const ask = async (to: string) => {
      const query = `from=${none}&to=${to}`
      const answer = await fetch(`${url}/v1/datasources/${datasourceId}/schema/drift?${query}`, { headers })
      return { status: answer.status, body: JSON.parse(await answer.text()) }
    }
    await used()
    const { status, body } = await ask(some)
    const { longestCpuMs } = await used()
    expect([status, body.changes.length, body.counts.safe]).toEqual([200, 600, 600])
    expect(body.changes[0]).toMatchObject({ kind: 'added', object: 'relation', path: ['big', 't0'] })
    process.stdout.write(`drift of 6 MB: loop at most ${Math.round(longestCpuMs)} ms of CPU at once\n`)
    expect(longestCpuMs).toBeLessThan(250)
    expect(await ask(many)).toMatchObject({ status: 413, body: { code: 'response_too_large' } })
  })
})

describe('A stranger’s text in an answer', () => {
  it('is never mistaken for the placeholder of another text', async () => {
    const first = new JsonText(Buffer.from('{"a":1}'))
    const second = new JsonText(Buffer.from(JSON.stringify(['text:', first])))
    const formatted = JSON.stringify({ first, second, again: first, text: 'text:x' })
    const whole = Buffer.concat(inPlace(formatted, [first, second])).toString('utf8')
    // Inserted text is not searched again.
    expect(JSON.parse(whole)).toEqual({
      first: { a: 1 },
      second: ['text:', first.toJSON()],
      again: { a: 1 },
      text: 'text:x',
    })
  })
})
