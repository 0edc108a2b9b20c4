/** Keyring files: readable by their owner alone, never overwritten, one role each, every key used for one purpose. */
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createKeyrings, FormerKeyring, inUse, parseWebKeyring, parseWorkerKeyring } from '#server/seal/keyring.ts'
import {
  initKeyrings,
  readKeyrings,
  readWebKeyring,
  readWorkerKeyring,
  replaceKeyrings,
  upgradeFiles,
} from '#server/seal/keyring-file.ts'
import { announce } from '#server/seal/keyring-rotation.ts'

let dir: string
let web: string
let worker: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mooring-keyring-'))
  await initKeyrings(dir, newKeyId)
  web = await readFile(join(dir, 'web.json'), 'utf8')
  worker = await readFile(join(dir, 'worker.json'), 'utf8')
})
afterAll(() => rm(dir, { recursive: true, force: true }))

type Lists = Record<string, Record<string, string>[]>

/** The text of a keyring after a change. */
function changed(text: string, change: (keyring: Lists) => void): string {
  const keyring = JSON.parse(text)
  change(keyring)
  return JSON.stringify(keyring)
}

/** The first key of a list. */
function first(keyring: Lists, list: string): Record<string, string> {
  return keyring[list]?.[0] ?? {}
}

describe('A keyring', () => {
  it('of the web tier holds nothing that opens a box, and the worker’s holds its counterparts', () => {
    const [one, two] = [parseWebKeyring(web), parseWorkerKeyring(worker)]
    expect(one.master).toEqual(two.master.map(({ id, public: half }) => ({ id, public: half })))
    expect(one.verify).toEqual(two.signing.map(({ id, public: half }) => ({ id, public: half })))
    expect(two.verify).toEqual(one.signing.map(({ id, public: half }) => ({ id, public: half })))
    expect(one.pepper).toEqual(two.pepper)
    // With the fingerprint key the web tier could compare guesses with stored fingerprints (attacks on register's
    // answers).
    for (const { secret } of [...two.fingerprint, ...two.lease]) expect(web).not.toContain(secret.toString('base64'))
    for (const { secret } of two.master) expect(web).not.toContain(secret.toString('base64'))
    for (const { secret } of two.signing) expect(web).not.toContain(secret.toString('base64'))
  })

  it('of one role is not accepted as the other’s', () => {
    expect(() => parseWebKeyring(worker)).toThrow(/keyring is invalid/)
    expect(() => parseWorkerKeyring(web)).toThrow(/keyring is invalid/)
  })

  it('may hold several keys of a kind, and none twice', () => {
    const other = JSON.parse(web)
    const more = changed(web, keyring => keyring['master']?.push({ ...first(keyring, 'master'), id: 'master-old1' }))
    expect(parseWebKeyring(more).master).toHaveLength(2)
    expect(other.master).toHaveLength(1)
    const twice = changed(worker, keyring => keyring['master']?.push({ ...first(keyring, 'master') }))
    expect(() => parseWorkerKeyring(twice)).toThrow(/one secret for two purposes/)
  })

  it.each<[string, (keyring: Lists) => void]>([
    [
      'a pepper that is too short',
      k => Object.assign(first(k, 'pepper'), { secret: Buffer.alloc(16, 'k').toString('base64') }),
    ],
    ['a pepper of zeros', k => Object.assign(first(k, 'pepper'), { secret: Buffer.alloc(32).toString('base64') })],
    [
      'a pepper of a repeated pattern',
      k => Object.assign(first(k, 'pepper'), { secret: Buffer.alloc(32, 'secret!').toString('base64') }),
    ],
    ['a pepper under two ids', k => k['pepper']?.push({ ...first(k, 'pepper'), id: 'pepper-twice' })],
    [
      'a key of its own among those of the other role',
      k => k['verify']?.push({ id: 'worker-twin', public: first(k, 'signing')['public'] ?? '' }),
    ],
    ['a pepper that is no base64', k => Object.assign(first(k, 'pepper'), { secret: 'not base64!' })],
    ['a key without an id', k => Object.assign(first(k, 'signing'), { id: '' })],
    ['no pepper', k => Object.assign(k, { pepper: [] })],
    ['no master key', k => delete k['master']],
    ['a key of no kind', k => Object.assign(k, { others: [] })],
  ])('is refused with %s, without quoting any key', (_, change) => {
    const secrets = [...web.matchAll(/"secret": "([^"]+)"/g)].map(found => found[1] ?? '')
    expect(secrets.length).toBe(2)
    let message = ''
    try {
      parseWebKeyring(changed(web, change))
    } catch (error) {
      message = error instanceof Error ? error.message : ''
    }
    expect(message).toMatch(/^The keyring .* Restore it from its backup, and never create a new one: /)
    expect(message).not.toContain('keyring init')
    for (const secret of secrets) expect(message).not.toContain(secret)
  })

  it.each<[string, (keyring: Lists) => void]>([
    [
      'a pepper that is the fingerprint key',
      k => Object.assign(first(k, 'pepper'), { secret: first(k, 'fingerprint')['secret'] }),
    ],
    ['leases that the signing key signs', k => Object.assign(k, { lease: k['signing'] })],
    [
      'a lease key whose halves do not fit',
      k => Object.assign(first(k, 'lease'), { public: first(k, 'signing')['public'] }),
    ],
    ['no lease key', k => Object.assign(k, { lease: [] })],
  ])('of the worker is refused with %s', (_, change) => {
    expect(() => parseWorkerKeyring(changed(worker, change))).toThrow(
      /Restore it from its backup, and never create a new one/,
    )
  })

  it('that is not JSON is refused', () => {
    for (const text of ['', web.slice(0, -9)])
      expect(() => parseWebKeyring(text)).toThrow(/not valid JSON\. Restore it from its backup/)
  })
})

describe('A keyring’s file', () => {
  it('is made for its owner alone and never overwritten, and neither is the other half of the pair', async () => {
    for (const name of ['web.json', 'worker.json']) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600)
    await expect(initKeyrings(dir, newKeyId)).rejects.toThrow(/never overwritten/)
    expect(await readFile(join(dir, 'web.json'), 'utf8')).toBe(web)

    const half = await mkdtemp(join(dir, 'half-'))
    await writeFile(join(half, 'web.json'), 'mine', { mode: 0o600 })
    await expect(initKeyrings(half, newKeyId)).rejects.toThrow(/never overwritten/)
    expect(await readFile(join(half, 'web.json'), 'utf8')).toBe('mine')
    // No half without its counterpart is left, which would block a later init.
    expect(await readdir(half)).toEqual(['web.json'])
  })

  it('that others can read, or that is missing, is refused with the remedy', async () => {
    for (const mode of [0o640, 0o604, 0o666]) {
      await chmod(join(dir, 'worker.json'), mode)
      await expect(readWorkerKeyring(join(dir, 'worker.json'))).rejects.toThrow(/can be read by others. Run: chmod 600/)
    }
    await chmod(join(dir, 'worker.json'), 0o400)
    expect((await readWorkerKeyring(join(dir, 'worker.json'))).role).toBe('worker')
    await expect(readWebKeyring(join(dir, 'none.json'))).rejects.toThrow(
      /There is no keyring at .* keyring init --dir DIR/,
    )
  })
})

describe('A list of keys', () => {
  /** Another secret of 32 bytes, and the same each time. */
  const other = Buffer.from(Array.from({ length: 32 }, (_, at) => 7 * at)).toString('base64')
  const refusal = (change: (keyring: Lists) => void) => () => parseWorkerKeyring(changed(worker, change))

  it('has each id once, and one key that is in use', () => {
    const odd = /has a key twice, or a list with no key in use\. Restore it from its backup/
    expect(refusal(k => k['pepper']?.push({ ...first(k, 'pepper'), secret: other }))).toThrow(odd)
    expect(refusal(k => Object.assign(first(k, 'pepper'), { announced: true }))).toThrow(odd)
    const more = changed(worker, k =>
      k['pepper']?.unshift({ id: 'pepper-next', secret: other, announced: true } as never),
    )
    const { pepper } = parseWorkerKeyring(more)
    expect(inUse(pepper).id).toBe(pepper[1]?.id)
    expect(() => inUse(pepper.slice(0, 1))).toThrow('The keyring has only announced keys, but one must be in use.')
  })

  it('that is not acceptable is refused, and the error names the place in the file', () => {
    const short = other.slice(0, 40)
    expect(refusal(k => Object.assign(first(k, 'pepper'), { secret: short }))).toThrow(
      /invalid \(pepper\.0\.secret: not 32 bytes\)\. Restore/,
    )
    expect(refusal(k => Object.assign(first(k, 'pepper'), { secret: short, id: 'x' }))).toThrow(
      /\(pepper\.0\.id: [^;]+; pepper\.0\.secret: not 32 bytes\)/,
    )
    expect(() => parseWorkerKeyring('[]')).toThrow(/\(the file: /)
    // Nine different bytes are the fewest that a key has.
    const regular = (bytes: number) => Buffer.from(Array.from({ length: 32 }, (_, at) => at % bytes)).toString('base64')
    expect(refusal(k => Object.assign(first(k, 'pepper'), { secret: regular(8) }))).toThrow(/too regular to be a key/)
    expect(refusal(k => Object.assign(first(k, 'pepper'), { secret: regular(9) }))).not.toThrow()
  })

  it('has keys that are named after their kind', async () => {
    const made = await createKeyrings(kind => `${kind}-made`)
    const ids = (text: string) =>
      Object.values<string | { id: string }[]>(JSON.parse(text)).flatMap(keys =>
        typeof keys === 'string' ? [] : keys.map(({ id }) => id),
      )
    expect(ids(made.web)).toEqual(['master-made', 'web-made', 'worker-made', 'pepper-made'])
    expect(ids(made.worker).toSorted()).toEqual(
      ['fingerprint-made', 'lease-made', 'master-made', 'pepper-made', 'web-made', 'worker-made'].toSorted(),
    )
  })
})

describe('A keyring of an earlier release', () => {
  const former = (change: (keyring: Lists) => void = () => undefined) =>
    changed(worker, k => {
      delete k['lease']
      change(k)
    })

  it('is distinguished from a damaged one, and the error names the command', () => {
    expect(() => parseWorkerKeyring(former())).toThrow(FormerKeyring)
    expect(() => parseWorkerKeyring(former())).toThrow(
      'The keyring was written by an earlier release. Run: npm run -s mooring -- keyring upgrade',
    )
    expect(new FormerKeyring().name).toBe('FormerKeyring')
    const reused = former(k => Object.assign(first(k, 'fingerprint'), { secret: first(k, 'pepper')['secret'] }))
    expect(() => parseWorkerKeyring(reused)).toThrow(/one secret for two purposes/)
    const idle = former(k => Object.assign(first(k, 'pepper'), { announced: true }))
    expect(() => parseWorkerKeyring(idle)).toThrow(/no key in use/)
  })

  it('is upgraded in its folder once, each file for its owner alone', async () => {
    const old = await mkdtemp(join(tmpdir(), 'mooring-former-'))
    try {
      const fingerprint = JSON.parse(worker).fingerprint
      const texts = { web: changed(web, k => Object.assign(k, { fingerprint })), worker: former() }
      for (const [name, text] of Object.entries(texts))
        await writeFile(join(old, `${name}.json`), text, { mode: 0o600 })
      expect(await upgradeFiles(old, newKeyId)).toBe(true)
      expect((await readWorkerKeyring(join(old, 'worker.json'))).lease).toHaveLength(1)
      expect(await readFile(join(old, 'web.json'), 'utf8')).toBe(web)
      expect(await upgradeFiles(old, newKeyId)).toBe(false)
      const announced = await announce(await readKeyrings(old), 'pepper', newKeyId)
      await replaceKeyrings(old, announced)
      expect(await readKeyrings(old)).toEqual(announced)
      expect((await readdir(old)).toSorted()).toEqual(['web.json', 'worker.json'])
      for (const name of await readdir(old)) expect((await stat(join(old, name))).mode & 0o777).toBe(0o600)
    } finally {
      await rm(old, { recursive: true, force: true })
    }
  })
})
