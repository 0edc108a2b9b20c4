/**
 * `status`: reports which parts of an installation work, with a remedy for each that does not: its processes, queue,
 * keyrings and database. Tested as a process beside a running installation, and part by part.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { processesPart } from '#server/operator/status/processes-part.ts'
import { queuePart } from '#server/operator/status/queue-part.ts'
import { initKeyrings } from '#server/seal/keyring-file.ts'
import { query } from '#test/support/database/postgres.ts'
import { allRows } from '#test/support/database/rows.ts'
import { type Installation, prepareInstallation } from '#test/support/mooring/installation.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let installation: Installation
let main: Running
let dir: string
beforeAll(async () => {
  installation = await prepareInstallation()
  main = startEntry('main', installation.env('both'))
  await main.line(/web and worker are running/)
  dir = await mkdtemp(join(tmpdir(), 'mooring-status-'))
})
afterAll(async () => {
  await main.stop()
  await installation.remove()
  await rm(dir, { recursive: true, force: true })
})

interface Told {
  readonly code: number | null
  readonly out: string[]
  readonly err: string
}

async function status(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Told> {
  const one = startEntry('cli', { ...installation.env('both'), ...env }, ['status', ...args])
  return { code: await one.ended, out: one.out, err: one.err() }
}

interface Report extends Record<string, { ok: boolean; troubles: string[] } & Record<string, unknown>> {}
const reportOf = ({ out }: Told): Report => JSON.parse(out.join('\n'))

describe('The status of a healthy installation', () => {
  it('has a line for each part and exit status 0, and changes nothing', async () => {
    const quiet = 'delete from tasks; update processes set seen_at = clock_timestamp()'
    await query(installation.databaseUrl, quiet)
    // The processes keep writing their rows and working meanwhile.
    const rows = async () =>
      Object.entries(await allRows(installation.databaseUrl)).filter(([table]) => !/processes|tasks|upkeep/.test(table))
    const before = await rows()
    const told = await status()
    expect([told.code, told.err]).toEqual([0, ''])
    expect(told.out).toEqual([
      expect.stringMatching(/^database {2}ok {4}PostgreSQL \d+\.\d+, its tables are up to date$/),
      expect.stringMatching(/^web {7}ok {4}1 process of \d+\.\d+\.\d+, the longest for \d+ s$/),
      expect.stringMatching(/^worker {4}ok {4}1 process of \d+\.\d+\.\d+, the longest for \d+ s$/),
      'queue     ok    nothing is due',
      expect.stringMatching(
        /^keyring {3}ok {4}in use: master-\w{8}, web-\w{8}, worker-\w{8}, pepper-\w{8}, fingerprint-\w{8}, lease-\w{8}$/,
      ),
    ])
    expect(await rows()).toEqual(before)
  })

  it('is the same with --json, for programs', async () => {
    const told = await status(['--json'])
    expect([told.code, told.err]).toEqual([0, ''])
    expect(reportOf(told)).toMatchObject({
      ok: true,
      database: { ok: true, pendingMigrations: [], takesWrites: true, troubles: [] },
      web: { ok: true, processes: [{ up: true, allowedNetworks: ['127.0.0.0/8'] }] },
      worker: { ok: true, processes: [{ up: true }] },
      queue: { ok: true, due: 0, oldestSeconds: 0 },
      keyring: { ok: true },
    })
    const keys = reportOf(told)['keyring']?.['keys'] as { kind: string; state: string }[]
    expect(keys.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      'master in use',
      'signing in use',
      'signing in use',
      'pepper in use',
      'fingerprint in use',
      'lease in use',
    ])
  })
})

describe('The status of an unhealthy installation', () => {
  it('names processes that are gone, of another release or with other networks, each with its remedy', async () => {
    const other = `insert into processes (id, kind, version, asks_to_write, open_networks, seen_at)
      values (gen_random_uuid(), 'web', '0.2.9', true, '10.0.0.0/8', clock_timestamp()),
        (gen_random_uuid(), 'worker', '0.3.0', true, null, clock_timestamp() - interval '90 s')`
    await query(installation.databaseUrl, other)
    const told = await status()
    await query(installation.databaseUrl, "delete from processes where version = '0.2.9' or open_networks is null")
    expect(told.code).toBe(1)
    const text = told.out.join('\n')
    expect(text).toMatch(/^web {7}LOOK {2}2 processes of 0\.2\.9, /m)
    expect(text).toMatch(/^web: Release 0\.2\.9 is running, and this command is from .*: finish the upgrade/m)
    expect(text).toMatch(/^worker: 1 process has written nothing since \d+ s ago, and did not stop in order/m)
    expect(text).toMatch(
      /^worker: MOORING_ALLOWED_NETWORKS must be the same on all processes \(web: 10\.0\.0\.0\/8; web and worker: 127\.0\.0\.0\/8\)\.$|web and worker: 127\.0\.0\.0\/8; web: 10\.0\.0\.0\/8/m,
    )
  })

  it('names a database that does not answer and missing keyrings, and leaves out the rest', async () => {
    const away = await status(['--json'], {
      DATABASE_URL: 'postgres://app:Tell-N0-one@localhost:1/app',
      MOORING_KEYRING: dir,
    })
    expect(away.code).toBe(1)
    expect(reportOf(away)).toMatchObject({
      ok: false,
      database: {
        ok: false,
        troubles: [expect.stringMatching(/^DATABASE_URL: nothing listens at its host and port; /)],
      },
      keyring: { ok: false, troubles: [expect.stringMatching(/There is no keyring at .*web\.json/)] },
    })
    expect(Object.keys(reportOf(away))).toEqual(['ok', 'version', 'database', 'keyring'])
    expect(away.out.join('\n') + away.err).not.toContain('Tell-N0-one')
  })

  it('recognises keyrings of another installation and an unfinished rotation by the keys', async () => {
    const keyrings = join(dir, 'other')
    await initKeyrings(keyrings, newKeyId)
    const told = await status([], { MOORING_KEYRING: keyrings })
    expect(told.code).toBe(1)
    expect(told.out.join('\n')).toMatch(/^keyring: master-\w{8} is needed and is not in the keyring: restore/m)
    await startEntry('cli', { ...installation.env('both') }, ['keyring', 'rotate-pepper']).ended
    const midway = await status()
    expect(midway.code).toBe(1)
    expect(midway.out.at(-1)).toMatch(
      /^keyring: pepper-\w{8} is announced and not in use\. Send SIGHUP .*: keyring rotate-pepper\.$/,
    )
  })

  it('creates no installation in local mode if there is none', async () => {
    const folder = join(dir, 'local')
    const one = startEntry('cli', { MOORING_DATA_DIR: folder }, ['status'])
    expect(await one.ended).toBe(1)
    expect(one.err()).toBe(
      `There is no installation in MOORING_DATA_DIR=${folder}: start one with npm start, or set DATABASE_URL.\n`,
    )
    expect(await readdir(dir)).not.toContain('local')
    await writeFile(join(dir, 'done'), '')
  })
})

describe('The parts', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000)

  it('report that none runs, with the command that starts one', () => {
    const worker = processesPart('worker', { all: [], now, version: '1.0.0' })
    expect([worker.message, worker.troubles]).toEqual([
      'none runs',
      [expect.stringMatching(/Start one: npm run worker/)],
    ])
  })

  it('report how deep and how old the queue is, and what is late', () => {
    const depths = [
      { priority: 0, due: 0, oldestAt: null },
      { priority: 2, due: 7, oldestAt: ago(600) },
      { priority: 4, due: 3, oldestAt: ago(7_200) },
    ]
    const part = queuePart(depths, now)
    expect(part.message).toBe('10 tasks are due, the oldest for 2 h')
    expect(part.troubles).toEqual([
      expect.stringMatching(/^Due tasks \(scheduled\) have been waiting .* MOORING_DIAL_PROCESSES/),
    ])
    // A failed task waits for its next time.
    expect(queuePart(depths.slice(2), now).troubles).toEqual([])
    expect(queuePart([{ priority: 10, due: 1, oldestAt: ago(1) }], now).troubles).toHaveLength(1)
  })
})
