/**
 * Keyrings of an earlier release: the start names the command that upgrades them, and a damaged one is never replaced.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { webKeyring, workerKeyring } from '#server/process/keyring-source.ts'
import { createKeyrings, parseWebKeyring, parseWorkerKeyring } from '#server/seal/keyring.ts'
import { initKeyrings, readWebKeyring, readWorkerKeyring, upgradeFiles } from '#server/seal/keyring-file.ts'

type Ring = Record<string, { id: string; secret?: string }[]>

let dir: string
/** Both keyring files as the previous release wrote them. */
let former: { web: Ring; worker: Ring }
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mooring-upgrade-'))
  const texts = await createKeyrings(newKeyId)
  const [web, { lease: _, ...worker }] = [JSON.parse(texts.web), JSON.parse(texts.worker)]
  former = { web: { ...web, fingerprint: worker.fingerprint }, worker }
  await write('web', former.web)
  await write('worker', former.worker)
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const path = (role: 'web' | 'worker') => join(dir, `${role}.json`)
const write = (role: 'web' | 'worker', ring: object | string) =>
  writeFile(path(role), typeof ring === 'string' ? ring : JSON.stringify(ring), { mode: 0o600 })
const textsOf = () => Promise.all([readFile(path('web'), 'utf8'), readFile(path('worker'), 'utf8')])

describe('A keyring of an earlier release', () => {
  it('is refused at start, with the command that upgrades it', async () => {
    const message = /^The keyring was written by an earlier release\. Run: npm run -s mooring -- keyring upgrade$/
    await expect(readWebKeyring(path('web'))).rejects.toThrow(message)
    await expect(readWorkerKeyring(path('worker'))).rejects.toThrow(message)
    const place = { keyring: dir, keyringCommand: `cat '${dir}'/"$1".json` }
    const carried =
      /^The keyring that MOORING_KEYRING_COMMAND prints .* keyring upgrade.*MOORING_KEYRING=DIR.*put the files back\.$/
    await expect(webKeyring(place, false)).rejects.toThrow(carried)
    await expect(workerKeyring(place, false)).rejects.toThrow(carried)
  })

  it('keeps every key but the fingerprint key, which is new and in the worker’s alone, and gets a lease key', async () => {
    expect(await upgradeFiles(dir, newKeyId)).toBe(true)
    const [web, worker] = (await textsOf()).map(text => JSON.parse(text))
    const { fingerprint: old, ...rest } = former.web
    expect(web).toEqual(rest)
    const { fingerprint: _, ...others } = former.worker
    expect(worker).toEqual({ ...others, fingerprint: worker.fingerprint, lease: worker.lease })
    expect([worker.fingerprint.length, worker.lease.length]).toEqual([1, 1])
    for (const text of await textsOf()) expect(text).not.toContain(old?.[0]?.secret)
    expect(parseWebKeyring(JSON.stringify(web)).role).toBe('web')
    expect(parseWorkerKeyring(JSON.stringify(worker)).role).toBe('worker')
    expect((await readdir(dir)).sort()).toEqual(['web.json', 'worker.json'])
  })

  it('is upgraded once: a repeat changes nothing, and a run that was killed between the files is finished', async () => {
    await upgradeFiles(dir, newKeyId)
    const [web, worker] = await textsOf()
    expect(await upgradeFiles(dir, newKeyId)).toBe(false)
    expect(await textsOf()).toEqual([web, worker])
    await write('web', former.web)
    expect(await upgradeFiles(dir, newKeyId)).toBe(true)
    expect((await textsOf())[1]).toBe(worker)
    expect(JSON.parse((await textsOf())[0])).toEqual(JSON.parse(web))
  })

  it('is not upgraded beside a newer one of the other tier: its lease key would be lost', async () => {
    await upgradeFiles(dir, newKeyId)
    await write('worker', former.worker)
    const before = await textsOf()
    await expect(upgradeFiles(dir, newKeyId)).rejects.toThrow(/Restore both from one backup/)
    expect(await textsOf()).toEqual(before)
  })
})

describe('A damaged keyring', () => {
  it.each<[string, () => object | string]>([
    ['cut off', () => JSON.stringify(former.worker).slice(0, -20)],
    ['empty', () => ''],
    ['with a key of half its length', () => ({ ...former.worker, pepper: [{ id: 'pepper-1', secret: 'aGFsZg==' }] })],
    ['with one secret for two purposes', () => ({ ...former.worker, pepper: former.worker['fingerprint'] })],
    ['without its master key', () => ({ ...former.worker, master: [] })],
  ])('(%s) must be restored, is not upgraded, and nothing is written', async (_what, damaged) => {
    await write('worker', damaged())
    const before = await textsOf()
    // One begins after the other: a promise that nobody awaits yet must not be rejected meanwhile.
    for (const read of [() => readWorkerKeyring(path('worker')), () => upgradeFiles(dir, newKeyId)])
      await expect(read()).rejects.toThrow(/Restore it from its backup, and never create a new one/)
    await expect(initKeyrings(dir, newKeyId)).rejects.toThrow(/never overwritten/)
    expect(await textsOf()).toEqual(before)
  })
})
