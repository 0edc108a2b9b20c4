/**
 * The gain of the pooled random generator under libsodium: sealed boxes a second with the library's own generator and
 * with ours, medians of five alternating rounds. `npm run -s bench:random` prints one line.
 */
import sodium from 'libsodium-wrappers'
import { pooledWords } from '#server/seal/sodium.ts'

const ROUNDS = 5
const SEALS = 1_000

await sodium.ready
const inner: object = Object(Reflect.get(sodium, 'libsodium'))
const own: unknown = Reflect.get(inner, 'getRandomValue')
const pooled = pooledWords()
const { publicKey } = sodium.crypto_box_keypair()
const message = new Uint8Array(300)

function sealsPerSecond(generator: unknown): number {
  Reflect.set(inner, 'getRandomValue', generator)
  const startedAt = performance.now()
  for (let count = 0; count < SEALS; count += 1) sodium.crypto_box_seal(message, publicKey)
  return SEALS / ((performance.now() - startedAt) / 1_000)
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

// The first round of each warms up.
sealsPerSecond(own)
sealsPerSecond(pooled)
const rounds = Array.from({ length: ROUNDS }, () => [sealsPerSecond(own), sealsPerSecond(pooled)] as const)
const [theirs, ours] = [median(rounds.map(([one]) => one)), median(rounds.map(([, other]) => other))]
process.stdout.write(
  `sealed boxes: ${Math.round(theirs)}/s with the library's generator, ${Math.round(ours)}/s with ours, × ${(ours / theirs).toFixed(2)}\n`,
)
