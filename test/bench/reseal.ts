/**
 * Reseals credentials in one worker, and prints credentials/s beside the rate of libsodium alone for the same work:
 * `npm run bench:reseal` for 100,000, `npm run bench:reseal -- 5000` for another number.
 */
import { argv } from 'node:process'
import sodium from 'libsodium-wrappers'
import { rotateOrganization } from '#server/operator/keyring/rotation.ts'
import { pooledSodium } from '#server/seal/sodium.ts'
import { claim as claimTasks } from '#server/store/tasks/claims.ts'
import { reseal } from '#server/work/keys/reseal.ts'
import { benchWorker } from '#test/bench/support/bench-worker.ts'
import { printResults } from '#test/bench/support/results.ts'
import { query, startServer } from '#test/support/database/postgres.ts'
import { makeCredentials, numberedSecret } from '#test/support/keys/many-credentials.ts'

const count = Number(argv.slice(2).find(one => /^\d+$/.test(one)) ?? 100_000)

/** Opens, checks, seals and signs with the library alone: the minimum cost of a credential. */
async function libsodiumAlone(): Promise<number> {
  await pooledSodium()
  const [from, to, signing] = [sodium.crypto_box_keypair(), sodium.crypto_box_keypair(), sodium.crypto_sign_keypair()]
  const plain = Buffer.from(JSON.stringify(numberedSecret(1)))
  const box = sodium.crypto_box_seal(plain, from.publicKey)
  const signature = sodium.crypto_sign_detached(box, signing.privateKey)
  const startedAt = performance.now()
  const rounds = Math.min(count, 5_000)
  for (let round = 0; round < rounds; round += 1) {
    sodium.crypto_sign_verify_detached(signature, box, signing.publicKey)
    const opened = sodium.crypto_box_seal_open(box, from.publicKey, from.privateKey)
    sodium.crypto_sign_detached(sodium.crypto_box_seal(opened, to.publicKey), signing.privateKey)
  }
  return rounds / ((performance.now() - startedAt) / 1000)
}

await using cleanup = new AsyncDisposableStack()
const server = await startServer()
cleanup.defer(() => server.stop())
const url = await server.createDatabase('bench')
const never = () => Promise.reject(new Error('nothing is dialled here'))
const dialler = {
  ready: never,
  canDial: () => false,
  counts: () => ({ starting: 0, idle: 0, busy: 0, waiting: 0 }),
  probe: never,
  describe: never,
  locate: never,
  request: never,
  close: never,
}
const { deps, keyring, organizationId } = await benchWorker(cleanup, { url, dialler })
const { db } = deps
await makeCredentials({ db, keyring, organizationId }, count)
await query(url, 'analyze')
await rotateOrganization({ db, keyring, now: new Date() }, organizationId)
const before = await libsodiumAlone()
const startedAt = performance.now()
for (;;) {
  const ask = { kinds: ['reseal'] as const, limit: 1, perOrganization: 1, held: [], leaseMs: 60_000, now: new Date() }
  const [claim] = await claimTasks(db, { ...ask, priorities: ['asked', 'scheduled'] })
  if (claim === undefined) break
  await reseal(deps, claim)
}
const perSecond = count / ((performance.now() - startedAt) / 1000)
const [{ n } = {}] = await query(url, 'select count(distinct key_id)::int as n from credentials')
if (n !== 1) throw new Error('not all were resealed')
// Before and after, because the machine may have had other work at one of the times.
const raw = (before + (await libsodiumAlone())) / 2
printResults([
  {
    work: `${count} credentials resealed by one worker`,
    ...{ ours: perSecond, limit: raw, ratio: perSecond / raw, target: 0.75, unit: 'credentials/s' },
  },
])
