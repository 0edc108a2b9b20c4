/** Rotation of the keys in keyrings: announced to both files, used from a moment on, dropped once nothing needs them. */
import { beforeAll, describe, expect, it } from 'vitest'
import { createKeyrings, parseWebKeyring, parseWorkerKeyring } from '#server/seal/keyring.ts'
import {
  announce,
  drop,
  inUseSince,
  isAnnounced,
  KEY_KINDS,
  type KeyKind,
  type Keyrings,
  parseKeyrings,
  printKeyrings,
  use,
} from '#server/seal/keyring-rotation.ts'
import { upgradeKeyrings } from '#server/seal/keyring-upgrade.ts'

const NOW = new Date('2026-05-01T08:00:00.000Z')

let made = 0
const newKeyId = (kind: string) => {
  made += 1
  return `${kind}-${made}`
}

let before: Keyrings
beforeAll(async () => {
  before = parseKeyrings(await createKeyrings(newKeyId))
})

/** The lists that hold keys of the kind, in either file. */
const LISTS: Readonly<Record<KeyKind, readonly string[]>> = {
  master: ['web.master', 'worker.master'],
  signing: ['web.signing', 'web.verify', 'worker.signing', 'worker.verify'],
  pepper: ['web.pepper', 'worker.pepper'],
  fingerprint: ['worker.fingerprint'],
  lease: ['worker.lease'],
}

type Key = { id: string; announced?: true | undefined; since?: string | undefined; public?: string | undefined }

/** All lists of both files by their names. */
function lists(keyrings: Keyrings): Record<string, readonly Key[]> {
  return Object.fromEntries(
    Object.entries(keyrings).flatMap(([tier, { role: _, ...ring }]) =>
      Object.entries(ring).map(([name, keys]) => [`${tier}.${name}`, keys as readonly Key[]]),
    ),
  )
}

describe.each(KEY_KINDS)('A new key of kind %s', kind => {
  it('is first in each list of its kind, announced there, and no other list changes', async () => {
    const after = await announce(before, kind, newKeyId)
    expect(isAnnounced(before, kind)).toBe(false)
    expect(isAnnounced(after, kind)).toBe(true)
    const old = lists(before)
    for (const [name, keys] of Object.entries(lists(after))) {
      if (!LISTS[kind].includes(name)) {
        expect(keys, name).toEqual(old[name])
        continue
      }
      expect(keys, name).toHaveLength(2)
      expect(keys[0], name).toMatchObject({ announced: true })
      expect(keys[0]?.id.split('-')[0], name).toMatch(kind === 'signing' ? /^(web|worker)$/ : kind)
      expect(keys[1], name).toEqual(old[name]?.[0])
    }
    expect(Object.keys(lists(after))).toEqual(Object.keys(old))
  })

  it('is in files that both processes read', async () => {
    const texts = printKeyrings(await announce(before, kind, newKeyId))
    expect(() => parseWebKeyring(texts.web)).not.toThrow()
    expect(() => parseWorkerKeyring(texts.worker)).not.toThrow()
    expect(texts.web).toMatch(/^\{\n {2}"role": "web",[\s\S]*\}\n$/)
    expect(texts.worker).toMatch(/^\{\n {2}"role": "worker",[\s\S]*\}\n$/)
  })

  it('is in use from the moment on that it is used, and the old one stays', async () => {
    const announced = await announce(before, kind, newKeyId)
    const used = use(announced, kind, NOW)
    expect(inUseSince(before, kind)).toBeNull()
    expect(inUseSince(announced, kind)).toBeNull()
    expect(inUseSince(used, kind)).toEqual(NOW)
    expect(isAnnounced(used, kind)).toBe(false)
    for (const name of LISTS[kind]) {
      const [first, second] = lists(used)[name] ?? []
      expect(first, name).toEqual({ ...omitted(lists(announced)[name]?.[0]), since: NOW.toISOString() })
      expect(second, name).toEqual(lists(before)[name]?.[0])
    }
  })

  it('takes the place of the old one once nothing needs that, and not before', async () => {
    const used = use(await announce(before, kind, newKeyId), kind, NOW)
    const old = LISTS[kind].map(name => lists(before)[name]?.[0]?.id ?? '')
    expect(drop(used, kind, id => old.includes(id))).toEqual({ keyrings: used, dropped: [] })
    const { keyrings, dropped } = drop(used, kind, () => false)
    expect(dropped.toSorted()).toEqual([...new Set(old)].toSorted())
    for (const name of LISTS[kind]) expect(lists(keyrings)[name], name).toEqual(lists(used)[name]?.slice(0, 1))
    const announced = await announce(before, kind, newKeyId)
    expect(drop(announced, kind, () => false)).toEqual({ keyrings: announced, dropped: [] })
  })
})

function omitted(key: Key | undefined): Omit<Key, 'announced'> {
  const { announced: _, ...rest } = key ?? { id: '' }
  return rest
}

describe('A rotation of signing keys', () => {
  it('gives each tier the public half of the other one', async () => {
    const { web, worker } = await announce(before, 'signing', newKeyId)
    expect(web.verify[0]?.public).toBe(worker.signing[0]?.public)
    expect(worker.verify[0]?.public).toBe(web.signing[0]?.public)
    expect(web.signing[0]?.public).not.toBe(worker.signing[0]?.public)
    expect(web.verify[0]).not.toHaveProperty('secret')
    expect(worker.verify[0]).not.toHaveProperty('secret')
  })

  it('is announced only when every list has its key', async () => {
    const after = await announce(before, 'signing', newKeyId)
    expect(isAnnounced({ web: after.web, worker: before.worker }, 'signing')).toBe(false)
    expect(isAnnounced({ web: before.web, worker: after.worker }, 'signing')).toBe(false)
  })
})

describe('A rotation of the master key', () => {
  it('leaves its secret half with the worker', async () => {
    const { web, worker } = await announce(before, 'master', newKeyId)
    expect(web.master[0]).toEqual({ id: worker.master[0]?.id, public: worker.master[0]?.public, announced: true })
    expect(Buffer.from(worker.master[0]?.secret ?? '', 'base64')).toHaveLength(32)
  })
})

describe('Keyrings that no process would start with', () => {
  it('are neither parsed nor printed', () => {
    const { web, worker } = before
    const texts = printKeyrings(before)
    for (const broken of [
      { web: { ...web, pepper: [] }, worker },
      { web, worker: { ...worker, master: [] } },
    ]) {
      expect(() => printKeyrings(broken)).toThrow(/keyring is invalid/)
      expect(() => parseKeyrings({ web: JSON.stringify(broken.web), worker: JSON.stringify(broken.worker) })).toThrow(
        /keyring is invalid/,
      )
    }
    expect(parseKeyrings(texts)).toEqual(before)
  })
})

describe('Keyrings of a release before 0.3.0', () => {
  const former = () => {
    const { lease: _, ...worker } = before.worker
    return { web: { ...before.web, fingerprint: before.worker.fingerprint }, worker }
  }
  const texts = (keyrings: { web: object; worker: object }) => ({
    web: JSON.stringify(keyrings.web),
    worker: JSON.stringify(keyrings.worker),
  })

  it('get a lease key and another fingerprint key for the worker alone, and keep every other key', async () => {
    const upgraded = await upgradeKeyrings(texts(former()), newKeyId)
    const { web, worker } = parseKeyrings(upgraded ?? texts({ web: {}, worker: {} }))
    expect(web).toEqual(before.web)
    const { fingerprint, lease, ...rest } = worker
    const { fingerprint: old, lease: _, ...kept } = before.worker
    expect(rest).toEqual(kept)
    expect(fingerprint).toHaveLength(1)
    expect(fingerprint?.[0]).toEqual({ id: expect.stringMatching(/^fingerprint-/), secret: expect.any(String) })
    expect(fingerprint?.[0]?.secret).not.toBe(old?.[0]?.secret)
    expect(lease?.map(key => key.id)).toEqual([expect.stringMatching(/^lease-/)])
    expect(upgraded?.web).toMatch(/^\{\n {2}"role"[\s\S]*\}\n$/)
  })

  it('are upgraded once', async () => {
    expect(await upgradeKeyrings(printKeyrings(before), newKeyId)).toBeNull()
  })

  it('are finished where a run ended between the two files, and refused where they are of two backups', async () => {
    const { worker } = printKeyrings(before)
    const half = { web: JSON.stringify(former().web), worker }
    expect(await upgradeKeyrings(half, newKeyId)).toEqual({ web: printKeyrings(before).web, worker })
    const mixed = { web: printKeyrings(before).web, worker: JSON.stringify(former().worker) }
    await expect(upgradeKeyrings(mixed, newKeyId)).rejects.toThrow(
      'worker.json is from an earlier release than web.json. Restore both from one backup, then run this again.',
    )
  })

  it('are not upgraded when they are damaged', async () => {
    const { web, worker } = former()
    await expect(upgradeKeyrings(texts({ web: { ...web, pepper: [] }, worker }), newKeyId)).rejects.toThrow(
      /keyring is invalid/,
    )
    await expect(upgradeKeyrings(texts({ web, worker: { ...worker, master: [] } }), newKeyId)).rejects.toThrow(
      /keyring is invalid/,
    )
  })
})
