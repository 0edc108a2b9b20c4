/**
 * Loads libsodium and gives it a faster source of randomness.
 *
 * The wrapper's glue around its generator, which is called for one 32-bit word at a time, takes half of a
 * `crypto_box_seal`. The words come from a pool that Node's own CSPRNG fills, each used once and wiped.
 */
import { randomFillSync } from 'node:crypto'
import sodium from 'libsodium-wrappers'

type Sodium = typeof sodium

const WORDS = 64

/**
 * Waits until libsodium is loaded and installs the pooled generator. If the library lacks this internal hook, its own
 * generator stays. Safe to call again.
 */
export async function pooledSodium(): Promise<Sodium> {
  await sodium.ready
  const inner: unknown = Reflect.get(sodium, 'libsodium')
  if (typeof inner === 'object' && inner !== null && typeof Reflect.get(inner, 'getRandomValue') === 'function') {
    Reflect.set(inner, 'getRandomValue', pooledWords())
  }
  return sodium
}

/** A source of uniform unsigned 32-bit words. */
export function pooledWords(): () => number {
  const pool = new Uint32Array(WORDS)
  let next = WORDS
  return () => {
    if (next === WORDS) {
      randomFillSync(pool)
      next = 0
    }
    const word = pool[next] ?? 0
    pool[next] = 0
    next += 1
    return word
  }
}
