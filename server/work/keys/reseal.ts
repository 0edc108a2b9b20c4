/**
 * Reseals an organization's credentials in batches after a key rotation, with the current key, signature and
 * fingerprint key, and signs its verdicts again. If the process is killed, nothing is lost: each
 * transaction holds a few batches, and the next claim continues with the rest. When nothing needs a retired key any more, its secret half
 * is destroyed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { destroyableAt, KEY_CACHE_MS } from '#server/domain/access/key-life.ts'
import type { Secret } from '#server/domain/access/sealed.ts'
import { openOr } from '#server/seal/held-key.ts'
import type { VerifiedKey } from '#server/seal/sealer.ts'
import * as audit from '#server/store/access/audit.ts'
import * as resealing from '#server/store/keys/resealing.ts'
import * as organizationKeys from '#server/store/organizations/organization-keys.ts'
import { extend } from '#server/store/tasks/claim-hold.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import { aboutTask } from '#server/work/about-task.ts'
import { endpointCanonical } from '#server/work/credentials/endpoint-keys.ts'
import { currentKey } from '#server/work/credentials/open.ts'
import { openedSecret } from '#server/work/credentials/resolve-target.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'
import { canonicalTarget } from '#shared/connection-string/connection-string.ts'
import { HeldKeys } from './held-keys.ts'
import { resignVerdicts } from './resign-verdicts.ts'

/** Credentials that are locked and written together, and how many times that happens in one transaction. */
const BATCH = 64
const BATCHES = 4
/** Credentials that are resealed in one turn of the event loop, some ten milliseconds: others run in between. */
const IN_A_TURN = 16
/** The claim of a dead worker expires after this; a living one extends it with each batch. */
const CLAIM_MS = 4_000
/** The assumed maximum difference between two machines' clocks. */
const MARGIN_MS = 5_000
/** A pass releases its slot after this long, so that a stopping worker can exit. */
const SLICE_MS = 2_000
/** The delay before looking again at rows that another transaction holds: recording a verdict is a single statement. */
const AGAIN_MS = 500

/** Performs a `reseal` task. */
export async function reseal(deps: WorkerDeps, claim: Claim): Promise<void> {
  const org = claim.organizationId
  using keys = new HeldKeys(deps, await organizationKeys.list(deps.db, { org }))
  const to = await currentKey(deps, org)
  let workedSince: number | null = null
  const unopened: resealing.After[] = []
  let after: resealing.After | null = null
  for (;;) {
    const batch: Batch = await resealBatches(deps, claim, { org, to, keys, after, unopened })
    deps.notifications.ring('news', claim.organizationId)
    if (batch === 'lost') return
    if (batch === 'done') break
    after = batch.after
    // The next slice starts from the beginning: if it only met credentials that cannot be opened, it would end where
    // this one did.
    if (batch.resealed > 0) workedSince ??= performance.now()
    if (workedSince !== null && performance.now() - workedSince > SLICE_MS)
      return resealing.settle(deps.db, claim, deps.clock())
  }
  if (unopened.length > 0) {
    const [first] = unopened
    deps.log.error(
      { ...aboutTask(claim), stage: 'reseal', fault: 'credential_unreadable', count: unopened.length, first },
      'credentials could not be opened for resealing',
    )
  }
  const verdicts = await resignVerdicts(deps, claim, { sliceMs: SLICE_MS, claimMs: CLAIM_MS })
  if (verdicts === 'lost') return
  if (verdicts === 'more') return resealing.settle(deps.db, claim, deps.clock())
  const isAnyLeft = await resealing.isAnyLeft(deps.db, org, { expected: upToDate(deps), beside: unopened })
  const next = isAnyLeft ? new Date(deps.clock().getTime() + AGAIN_MS) : await endKeys(deps, org)
  await resealing.settle(deps.db, claim, next)
  deps.notifications.ring('news', claim.organizationId)
}

/** The keys that must sign and fingerprint a credential. */
function upToDate({ sealer, fingerprinter }: WorkerDeps): resealing.UpToDate {
  return { signerIds: sealer.signerIds(), fingerprintKeyId: fingerprinter.keyId }
}

interface Pass {
  readonly org: string
  readonly to: VerifiedKey
  readonly keys: HeldKeys
  readonly after: resealing.After | null
  /** Filled by the pass with the credentials that could not be opened. */
  readonly unopened: resealing.After[]
}

/**
 * The position after a batch and the number resealed; or that nothing was left, or that another worker has the claim.
 */
type Batch = { readonly after: resealing.After; readonly resealed: number } | 'done' | 'lost'

/**
 * One transaction of several batches. While a batch is opened and sealed, the database writes the previous one and
 * locks the next one: neither waits for the other (docs/benchmarks.md).
 */
async function resealBatches(deps: WorkerDeps, claim: Claim, pass: Pass): Promise<Batch> {
  const { org } = pass
  const until = new Date(deps.clock().getTime() + CLAIM_MS)
  return asWorker(deps, org, async unit => {
    if (!(await extend(unit.tx, claim, until))) return 'lost'
    const lock = (after: resealing.After | null) =>
      resealing.lockStale(unit, { expected: upToDate(deps), after, limit: BATCH })
    await using statements = new Statements()
    let end: Batch = 'done'
    let next = statements.add(lock(pass.after))
    for (let batch = 1; batch <= BATCHES; batch += 1) {
      const stale = await next
      const after = stale.at(-1)?.context
      if (after === undefined) break
      if (batch < BATCHES) next = statements.add(lock(after))
      const entries = await resealAll(deps, pass, stale)
      void statements.add(resealing.writeResealed(unit, entries))
      end = { after, resealed: entries.length + (end === 'done' ? 0 : end.resealed) }
    }
    await statements.all()
    return end
  })
}

/** Statements under way in a transaction, which must not end before them. */
class Statements implements AsyncDisposable {
  readonly #begun: Promise<unknown>[] = []

  add<T>(statement: Promise<T>): Promise<T> {
    // The code that awaits it sees the error; until then it must not count as unhandled.
    statement.catch(() => undefined)
    this.#begun.push(statement)
    return statement
  }

  async all(): Promise<void> {
    await Promise.all(this.#begun)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#begun)
  }
}

async function resealAll(
  deps: WorkerDeps,
  pass: Pass,
  stale: readonly resealing.StaleCredential[],
): Promise<resealing.Resealed[]> {
  const entries: resealing.Resealed[] = []
  for (const [at, credential] of stale.entries()) {
    if (at % IN_A_TURN === 0) await nextTurn()
    const entry = resealOne(deps, pass, credential)
    if (entry !== null) entries.push(entry)
  }
  return entries
}

/** Null for a credential that cannot be opened: it stays unchanged, and so does the key that it names. */
function resealOne(
  deps: WorkerDeps,
  { org, to, keys, unopened }: Pass,
  { context, sealed, isFingerprinted }: resealing.StaleCredential,
): resealing.Resealed | null {
  const resealed = () => {
    const secret = inner(keys, keys.of(sealed.keyId).openCredential(context, sealed))
    const canonical = isFingerprinted ? canonicalOf(secret) : null
    return {
      context,
      sealed: deps.sealer.sealCredential(to, context, secret),
      fingerprint: canonical === null ? null : deps.fingerprinter.of(org, canonical),
    }
  }
  const unreadable = () => {
    unopened.push(context)
    return null
  }
  return openOr(resealed, unreadable)
}

/** Also opens a valid box that a caller sealed to an older key, since that key must go. */
function inner(keys: HeldKeys, secret: Secret): Secret {
  if (secret.kind !== 'client-sealed') return secret
  const opened = () => {
    const text = keys.of(secret.keyId).openClientBox(Buffer.from(secret.box, 'base64'))
    return openedSecret(text, secret) ?? secret
  }
  return openOr(opened, () => secret)
}

/** The text from which a fingerprint is computed; null for a secret that is only part of a credential. */
function canonicalOf(secret: Secret): string | null {
  if (secret.kind === 'direct') return canonicalTarget(secret.target, secret.caCertificate)
  return secret.kind === 'endpoint' ? endpointCanonical(secret.url, secret.signingKey) : null
}

/**
 * Destroys the retired keys that nothing needs any more; returns when to look again, null if none remains. A web
 * process may seal to a key for a while after its retirement, and callers may send boxes sealed to it for even longer.
 */
async function endKeys(deps: WorkerDeps, org: string): Promise<Date | null> {
  const now = deps.clock()
  const dues: number[] = []
  for (const key of await organizationKeys.list(deps.db, { org })) {
    if (key.retiredAt === null) continue
    const end = destroyableAt(key.retiredAt)
    const cached = key.retiredAt.getTime() + KEY_CACHE_MS + MARGIN_MS
    if (end > now) dues.push(cached > now.getTime() ? cached : end.getTime())
    else if (!(await destroyKey(deps, org, key.id))) dues.push(now.getTime() + 2 * KEY_CACHE_MS)
  }
  return dues.length === 0 ? null : new Date(Math.min(...dues))
}

async function destroyKey(deps: WorkerDeps, org: string, id: string): Promise<boolean> {
  return asWorker(deps, org, async unit => {
    if (!(await organizationKeys.destroy(unit, id))) return false
    await audit.append(unit, { action: 'sealing_key.destroyed', objectKind: 'sealing_key', objectId: id })
    return true
  })
}
