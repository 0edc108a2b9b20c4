/**
 * A key with everything that it made, as an attacker who stole it leaves it: keys of keys, capabilities, and their
 * rotations.
 */
import { expect } from 'vitest'
import type { Scope } from '#shared/access/credential.ts'
import type { typedId } from '#shared/base/wire.ts'
import type { Mooring, TestOrganization } from '#test/support/mooring/mooring.ts'

interface Made {
  readonly id: ReturnType<typeof typedId<'key_'>>
  readonly key: string
}

/** Makes families, and returns the results of requests with their tokens. The web processes of `urls` must agree. */
export function families(at: () => { readonly mooring: Mooring; readonly urls: readonly string[] }) {
  /** A key that this key makes. */
  async function child(key: string, scopes?: Scope[]): Promise<Made> {
    const made = await at()
      .mooring.client(key)
      .organization.createKey.mutate({ mode: 'test', ...(scopes && { scopes }) })
    return { id: made.id, key: made.key ?? '' }
  }

  async function capabilityOf(key: string) {
    const { id, token = '' } = await at()
      .mooring.client(key)
      .organization.mintCapability.mutate({ operations: ['datasources.read'], ttlSeconds: 600 })
    return { id, token }
  }

  /** `ok`, or the fault of a request with the token; both processes agree. */
  async function ends(token: string): Promise<string> {
    const headers = { authorization: `Bearer ${token}` }
    const answers = await Promise.all(at().urls.map(url => fetch(`${url}/v1/datasources`, { headers })))
    const codes = await Promise.all(
      answers.map(async answer => (answer.ok ? 'ok' : Reflect.get(Object(await answer.json()), 'code'))),
    )
    expect(new Set(codes).size).toBe(1)
    return String(codes[0])
  }

  /** A stolen key, and everything that it made before the theft was noticed. */
  async function stolen(organization: TestOrganization = at().mooring.organization) {
    const root = await child(organization.testKey)
    const daughter = await child(root.key)
    const granddaughter = await child(daughter.key)
    const minted = await capabilityOf(granddaughter.key)
    // By a key that is unrelated to the theft: the rotated one is related.
    const rotated = await at()
      .mooring.client(organization.testKey)
      .organization.rotateCapability.mutate({ id: minted.id, graceSeconds: 300 })
    return { root, daughter, granddaughter, minted, rotated: { id: rotated.id, token: rotated.token ?? '' } }
  }

  return { child, capabilityOf, ends, stolen }
}
