/**
 * The contents of boxes whose signature is good: a process that may seal, and was taken over, still opens no row but the one that is
 * named inside, and no key but the one that was wrapped for it.
 */
import sodium from 'libsodium-wrappers'
import { beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import type { CredentialContext, SealedBox, WrappedOrganizationKey } from '#server/domain/access/sealed.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createFingerprinter } from '#server/seal/fingerprinter.ts'
import {
  isSealBroken,
  KeyLacking,
  openBox,
  openingOr,
  openOr,
  parseContent,
  SealBroken,
} from '#server/seal/held-key.ts'
import {
  createKeyrings,
  parseWebKeyring,
  parseWorkerKeyring,
  type WebKeyring,
  type WorkerKeyring,
} from '#server/seal/keyring.ts'
import { announce, parseKeyrings, printKeyrings, use } from '#server/seal/keyring-rotation.ts'
import { createSealer, credentialText, organizationKeyText, taskText } from '#server/seal/sealer.ts'
import { pooledSodium, pooledWords } from '#server/seal/sodium.ts'
import { createUnsealer, type Unsealer } from '#server/seal/unsealer.ts'

const SECRET = { kind: 'endpoint', url: 'https://api.acme.io/feed', signingKey: 'Tell-N0-one' } as const

let web: WebKeyring
let worker: WorkerKeyring
let rotated: { web: WebKeyring; worker: WorkerKeyring }
let unsealer: Unsealer
let key: WrappedOrganizationKey
let context: CredentialContext
beforeAll(async () => {
  const rings = parseKeyrings(await createKeyrings(newKeyId))
  web = parseWebKeyring(printKeyrings(rings).web)
  worker = parseWorkerKeyring(printKeyrings(rings).worker)
  let more = rings
  for (const kind of ['signing', 'master', 'fingerprint'] as const)
    more = use(await announce(more, kind, newKeyId), kind, new Date())
  rotated = { web: parseWebKeyring(printKeyrings(more).web), worker: parseWorkerKeyring(printKeyrings(more).worker) }
  unsealer = await createUnsealer(worker)
  const organizationId = newId()
  const id = newId()
  key = { organizationId, id, retiredAt: null, ...unsealer.createOrganizationKey(organizationId, id) }
  context = { organizationId, datasourceId: newId(), version: 1 }
})

type Text = (box: Uint8Array) => Uint8Array

/** A box with any content to the organization's key, well signed by the web tier. */
function forged(content: unknown, text: Text = box => credentialText(context, key.id, box)): SealedBox {
  const plain = typeof content === 'string' ? content : JSON.stringify(content)
  const box = Buffer.from(sodium.crypto_box_seal(plain, key.publicKey))
  const [signing] = web.signing
  if (signing === undefined) throw new Error('a keyring signs')
  const signature = Buffer.from(sodium.crypto_sign_detached(text(box), signing.secret))
  return { keyId: key.id, box, signerId: signing.id, signature }
}

describe('A credential in a well-signed box', () => {
  const content = () => ({ v: 1, purpose: 'credential', ...context, secret: SECRET })

  it('opens when everything inside names its row', () => {
    expect(unsealer.openCredential(key, context, forged(content()))).toEqual(SECRET)
  })

  it.each<[string, () => unknown]>([
    ['another purpose', () => ({ ...content(), purpose: 'task' })],
    ['another organization', () => ({ ...content(), organizationId: newId() })],
    ['another datasource', () => ({ ...content(), datasourceId: newId() })],
    ['another version', () => ({ ...content(), version: 2 })],
    ['another format', () => ({ ...content(), v: 2 })],
    ['no secret', () => ({ ...content(), secret: {} })],
    ['a text in place of an object', () => JSON.stringify('text')],
    ['null', () => 'null'],
    ['a number', () => '7'],
    ['no JSON', () => '{'],
  ])('is refused with %s inside', (_, inside) => {
    expect(() => unsealer.openCredential(key, context, forged(inside()))).toThrow(SealBroken)
  })
})

describe('A task in a well-signed box', () => {
  const task = () => ({ organizationId: key.organizationId, taskId: context.datasourceId })
  const sign: Text = box => taskText(task(), key.id, box)
  const content = () => ({ v: 1, purpose: 'task', ...task(), payload: { n: 1 } })

  it('opens when everything inside names its row', () => {
    expect(unsealer.openTask(key, task(), forged(content(), sign))).toEqual({ n: 1 })
  })

  it.each<[string, () => object]>([
    ['another purpose', () => ({ ...content(), purpose: 'credential' })],
    ['another organization', () => ({ ...content(), organizationId: newId() })],
    ['another task', () => ({ ...content(), taskId: newId() })],
  ])('is refused with %s inside', (_, inside) => {
    expect(() => unsealer.openTask(key, task(), forged(inside(), sign))).toThrow(SealBroken)
  })

  it('is refused with an altered signature', () => {
    const sealed = forged(content(), sign)
    sealed.signature[3] = (sealed.signature[3] ?? 0) ^ 1
    expect(() => unsealer.openTask(key, task(), sealed)).toThrow(SealBroken)
  })

  it('is refused where only a task’s text of other fields is signed', () => {
    for (const other of [
      { ...task(), organizationId: newId() },
      { ...task(), taskId: newId() },
    ])
      expect(() =>
        unsealer.openTask(
          key,
          task(),
          forged(content(), box => taskText(other, key.id, box)),
        ),
      ).toThrow(SealBroken)
    expect(() =>
      unsealer.openTask(
        key,
        task(),
        forged(content(), box => taskText(task(), newId(), box)),
      ),
    ).toThrow(SealBroken)
  })
})

describe('The texts that signatures cover', () => {
  it('differ by purpose, though their fields are the same', () => {
    const box = Buffer.from('box')
    const task = taskText({ organizationId: 'o', taskId: 't' }, 'k', box)
    expect(Buffer.from(task).toString('latin1')).toBe(
      'mooring/1\n\0\0\0\x04task\0\0\0\x01o\0\0\0\x01t\0\0\0\x01k\0\0\0\x03box',
    )
    const credential = credentialText({ organizationId: 'o', datasourceId: 't', version: 1 }, 'k', box)
    expect(Buffer.from(credential).toString('latin1')).toBe(
      'mooring/1\n\0\0\0\x0acredential\0\0\0\x01o\0\0\0\x01t\0\0\0\x011\0\0\0\x01k\0\0\0\x03box',
    )
    const row = { organizationId: 'o', id: 'i', publicKey: box, retiredAt: null }
    expect(Buffer.from(organizationKeyText(row)).toString('latin1')).toBe(
      'mooring/1\n\0\0\0\x10organization-key\0\0\0\x01o\0\0\0\x01i\0\0\0\x03box\0\0\0\x07current',
    )
    expect(Buffer.from(organizationKeyText({ ...row, retiredAt: new Date(5) })).toString('latin1')).toMatch(/\x015$/)
  })
})

describe('A held key', () => {
  it('opens no box of another organization or another key, and is wiped at its end', () => {
    const held = unsealer.hold(key)
    const sealed = forged({ v: 1, purpose: 'credential', ...context, secret: SECRET })
    expect(held.openCredential(context, sealed)).toEqual(SECRET)
    const elsewhere = { ...context, organizationId: newId() }
    const text: Text = box => credentialText(elsewhere, key.id, box)
    const moved = forged({ v: 1, purpose: 'credential', ...elsewhere, secret: SECRET }, text)
    expect(() => held.openCredential(elsewhere, moved)).toThrow(SealBroken)
    const id = newId()
    const renamed = forged({ v: 1, purpose: 'credential', ...context, secret: SECRET }, box =>
      credentialText(context, id, box),
    )
    expect(() => held.openCredential(context, { ...renamed, keyId: id })).toThrow(SealBroken)
    held[Symbol.dispose]()
    expect(() => held.openCredential(context, sealed)).toThrow(SealBroken)
  })

  it('opens the bytes that a caller sealed as UTF-8, and refuses others', () => {
    const box = (plain: Uint8Array) => sodium.crypto_box_seal(plain, key.publicKey)
    const text = '\ufeffpostgres://ä@db'
    expect(unsealer.openClientBox(key, box(Buffer.from(text)))).toBe(text)
    expect(() => unsealer.openClientBox(key, box(Buffer.from([0xff, 0xfe])))).toThrow(SealBroken)
    expect(() => unsealer.openClientBox(key, Buffer.alloc(60))).toThrow(SealBroken)
  })
})

describe('An organization’s key', () => {
  /** Its row with another wrapped content, signed as the row is. */
  const wrapped = (content: unknown): WrappedOrganizationKey => {
    const [master] = worker.master
    if (master === undefined) throw new Error('a keyring wraps')
    return { ...key, secret: Buffer.from(sodium.crypto_box_seal(JSON.stringify(content), master.public)) }
  }
  const content = () => {
    const [master] = worker.master
    if (master === undefined) throw new Error('a keyring wraps')
    const plain = openBox(sodium, key.secret, { publicKey: master.public, secret: master.secret })
    return JSON.parse(Buffer.from(plain).toString('utf8'))
  }

  it('is unwrapped only from what was wrapped for its row, and fits its public half', () => {
    expect(content()).toMatchObject({ v: 1, purpose: 'organization-key', id: key.id })
    expect(() => unsealer.rewrap(wrapped(content()))).not.toThrow()
    const other = Buffer.from(sodium.crypto_box_keypair().privateKey).toString('base64')
    for (const edit of [
      { purpose: 'task' },
      { organizationId: newId() },
      { id: newId() },
      { secret: 7 },
      { secret: null },
      { secret: other },
      { secret: Buffer.alloc(16, 3).toString('base64') },
      { secret: `${Buffer.concat([Buffer.from(content().secret, 'base64'), Buffer.alloc(1)]).toString('base64')}` },
      { v: 2 },
    ])
      expect(() => unsealer.rewrap(wrapped({ ...content(), ...edit })), JSON.stringify(edit)).toThrow(SealBroken)
  })

  it('is refused with a signature or a public half of another length', () => {
    for (const edit of [
      { signature: key.signature.subarray(1) },
      { signature: Buffer.alloc(0) },
      { publicKey: key.publicKey.subarray(1) },
      { publicKey: Buffer.concat([key.publicKey, Buffer.alloc(1)]) },
      { signerId: 'worker-none' },
    ])
      expect(() => unsealer.hold({ ...key, ...edit }), Object.keys(edit).join()).toThrow(SealBroken)
  })

  it('is wrapped again to the master key in use, and opens the same boxes', async () => {
    const later = await createUnsealer(rotated.worker)
    const sealed = forged({ v: 1, purpose: 'credential', ...context, secret: SECRET })
    expect(later.openCredential(key, context, sealed)).toEqual(SECRET)
    const anew = { ...key, ...later.rewrap(key) }
    expect(anew.masterKeyId).toBe(rotated.worker.master[0]?.id)
    expect(anew.masterKeyId).not.toBe(key.masterKeyId)
    expect(later.openCredential(anew, context, sealed)).toEqual(SECRET)
    expect(() => unsealer.openCredential(anew, context, sealed)).toThrow(SealBroken)
  })

  it('names the key that a keyring lacks, signers before masters', async () => {
    const later = await createUnsealer(rotated.worker)
    const [signerId = '', masterKeyId = ''] = [rotated.worker.signing[0]?.id, rotated.worker.master[0]?.id]
    expect(later.lacks({ signerId, masterKeyId })).toBeNull()
    expect(unsealer.lacks({ signerId, masterKeyId })).toBe(signerId)
    expect(unsealer.lacks({ signerId: key.signerId, masterKeyId })).toBe(masterKeyId)
    expect(unsealer.lacks({ signerId: key.signerId })).toBeNull()
    expect(unsealer.lacks(key)).toBeNull()
    unsealer.reload(rotated.worker)
    expect(unsealer.lacks({ signerId, masterKeyId })).toBeNull()
    unsealer.reload(worker)
  })
})

describe('A sealer', () => {
  it('names the signers in use, takes another keyring, and seals nothing for another organization', async () => {
    const sealer = await createSealer(web)
    expect(sealer.signerIds()).toEqual([web.signing[0]?.id, web.verify[0]?.id])
    expect(sealer.isGenuine(key)).toBe(true)
    expect(sealer.isGenuine({ ...key, signerId: 'worker-none' })).toBe(false)
    expect(sealer.isGenuine({ ...key, signature: key.signature.subarray(1) })).toBe(false)
    sealer.reload(rotated.web)
    expect(sealer.signerIds()).toEqual([rotated.web.signing[0]?.id, rotated.web.verify[0]?.id])
    const to = { organizationId: key.organizationId, id: key.id, publicKey: key.publicKey }
    const other = newId()
    expect(() => sealer.sealTask(to, { organizationId: other, taskId: newId() }, {})).toThrow('another organization')
    expect(() => sealer.sealCredential(to, { ...context, organizationId: other }, SECRET)).toThrow(
      'another organization',
    )
  })
})

describe('A refusal', () => {
  it('is distinguished from a key that this keyring lacks, and from every other error', async () => {
    const lacking = new KeyLacking('master-2')
    expect([lacking.keyId, lacking.name, lacking.message]).toEqual(['master-2', 'KeyLacking', 'the seal is broken'])
    expect([new SealBroken(), lacking, new Error('x'), null].map(isSealBroken)).toEqual([true, false, false, false])
    const failing = (error: Error) => () => {
      throw error
    }
    expect(
      openOr(
        () => 'open',
        () => 'unreadable',
      ),
    ).toBe('open')
    expect(openOr(failing(new SealBroken()), () => 'unreadable')).toBe('unreadable')
    expect(() => openOr(failing(lacking), () => 'unreadable')).toThrow(lacking)
    await expect(
      openingOr(
        async () => 'open',
        () => 'unreadable',
      ),
    ).resolves.toBe('open')
    await expect(
      openingOr(
        async () => failing(new SealBroken())(),
        () => 'unreadable',
      ),
    ).resolves.toBe('unreadable')
    await expect(
      openingOr(
        async () => failing(lacking)(),
        () => 'unreadable',
      ),
    ).rejects.toBe(lacking)
  })

  it('leaves no opened bytes behind', () => {
    const plain = new Uint8Array(Buffer.from('{"v":1,"x":2}'))
    expect(parseContent(plain)).toEqual({ v: 1, x: 2 })
    expect(plain.every(byte => byte === 0)).toBe(true)
  })
})

describe('A fingerprint', () => {
  it('is of the key in use, and of the next one once the keyring was read again', async () => {
    const fingerprinter = await createFingerprinter(worker)
    const before = fingerprinter.of('one', 'a')
    expect(fingerprinter.keyId).toBe(worker.fingerprint[0]?.id)
    expect([fingerprinter.isSame('a', 'a'), fingerprinter.isSame('a', 'b')]).toEqual([true, false])
    fingerprinter.reload(rotated.worker)
    expect(fingerprinter.keyId).toBe(rotated.worker.fingerprint[0]?.id)
    expect(fingerprinter.of('one', 'a')).not.toEqual(before)
  })
})

describe('The pooled generator', () => {
  it('takes the place of libsodium’s own, which stays where the library has no such hook', async () => {
    const ready = await pooledSodium()
    const inner = Reflect.get(ready, 'libsodium')
    const own = () => 7
    Reflect.set(inner, 'getRandomValue', own)
    await pooledSodium()
    const pooled = Reflect.get(inner, 'getRandomValue')
    expect(pooled).not.toBe(own)
    expect(new Set([pooled(), pooled(), pooled()]).size).toBe(3)
    for (const lacking of [undefined, 7]) {
      Reflect.set(inner, 'getRandomValue', lacking)
      await pooledSodium()
      expect(Reflect.get(inner, 'getRandomValue')).toBe(lacking)
    }
    Reflect.set(inner, 'getRandomValue', pooled)
    for (const missing of [null, undefined, 7]) {
      Reflect.set(ready, 'libsodium', missing)
      await expect(pooledSodium()).resolves.toBe(ready)
    }
    Reflect.set(ready, 'libsodium', inner)
  })

  it('fills its pool only when each word of it was handed out once', () => {
    const next = pooledWords()
    const words = new Set(Array.from({ length: 200 }, next))
    expect(words.has(0)).toBe(false)
    expect(words.size).toBe(200)
  })
})
