/**
 * Assembles a web tier from its parts and serves it: the code shared by `web.ts` and `main.ts`. It gets the web's
 * keyring, which opens nothing, and has access to neither the dialler nor the unsealer.
 */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { KeylessGate } from '#server/api/caller/keyless-gate.ts'
import {
  type Counter,
  type CounterRule,
  createCounter,
  type Limits,
  LOCAL_SIGN_INS,
  VALIDATIONS,
} from '#server/api/caller/limits.ts'
import { SeenKeys } from '#server/api/caller/principal.ts'
import { RefusalSampler } from '#server/api/caller/refusal-sampler.ts'
import { SameTurn } from '#server/api/caller/same-turn.ts'
import { createSealingKeys } from '#server/api/caller/sealing-keys.ts'
import { type Places, Semaphores, STREAMS, WAITERS } from '#server/api/caller/semaphores.ts'
import { ChangeFeed } from '#server/api/changes/change-feed.ts'
import { FeedHeads } from '#server/api/changes/feed-heads.ts'
import type { WebDeps } from '#server/api/context.ts'
import { SnapshotReader } from '#server/api/schemas/reader/snapshot-reader.ts'
import type { LocalConsole } from '#server/domain/access/local-console.ts'
import type { Meter } from '#server/metrics/meter.ts'
import { listen } from '#server/process/listen.ts'
import type { EntryDeps } from '#server/process/process.ts'
import { type Readiness, STOPPING, startReadiness } from '#server/process/readiness.ts'
import { createApp } from '#server/rest/app.ts'
import { createFaultLines } from '#server/rest/http/fault-lines.ts'
import { createHttpServer } from '#server/rest/listener.ts'
import type { WebKeyring } from '#server/seal/keyring.ts'
import { createSealer } from '#server/seal/sealer.ts'
import { createTokens } from '#server/seal/token.ts'
import { SettledCounts } from '#server/store/access/settled-counts.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { TokenOwners } from '#server/store/tokens/directory.ts'
import type { Config } from './config.ts'

const VALIDATE_MS = 30_000
const ANSWER_MS = 25_000

/** A running web tier. */
export interface WebTier {
  readonly port: number
  /** Whether it can serve now, and if not, which condition fails. */
  ready(): Promise<Readiness>
  /** Switches to another keyring. */
  reload(keyring: WebKeyring): void
  /**
   * Keeps serving for `drainMs` while it reports that it is not ready and asks each client to reconnect, so that a load
   * balancer has turned away before anything is refused. Then accepts no new connections, and lets requests in progress
   * finish for at most `graceMs`.
   */
  stop(how: { readonly drainMs: number; readonly graceMs: number }): Promise<void>
}

/** The web tier's dependencies over a keyring. */
export async function webDeps(base: EntryDeps & Pick<WebEntryDeps, 'local'>, keyring: WebKeyring): Promise<WebDeps> {
  const { db, notifications, clock, log, config, meter } = base
  meter.begin('web')
  const sealer = await createSealer(keyring)
  const tokens = await createTokens(keyring)
  const sealingKeys = createSealingKeys({ sealer, clock })
  const changeFeed = new ChangeFeed({ db, notifications, log })
  const refusals = new RefusalSampler()
  const keyless = new KeylessGate()
  return {
    db,
    notifications,
    sealer,
    sealingKeys,
    tokens,
    tokenOwners: new TokenOwners(),
    tokenLooks: new SameTurn(),
    seenKeys: new SeenKeys(),
    changeFeed,
    streams: places(meter, { of: STREAMS, limit: 'subscriptions', taken: 'mooring_subscribers' }),
    snapshotReader: new SnapshotReader(),
    waiters: places(meter, { of: WAITERS, limit: 'waiters', taken: 'mooring_waiting_callers' }),
    feedHeads: new FeedHeads({ db, notifications, log }),
    refusals,
    keyless,
    validateMs: VALIDATE_MS,
    answerMs: ANSWER_MS,
    policy: { openNetworks: config.openNetworks, egressAddresses: config.egressAddresses },
    limits: limitsOf(config, { db, meter }),
    rates: config.rateLimits,
    local: base.local ?? null,
    checkIntervalMs: config.checkIntervalMs,
    quotas: config.quotas,
    idempotencyMs: config.retention.idempotencyMs,
    clock,
    log,
    meter,
  }
}

/** Slots whose number is reported, and whose refusals are counted. */
function places(
  meter: Meter,
  { of, limit, taken }: { of: Places; limit: string; taken: 'mooring_subscribers' | 'mooring_waiting_callers' },
): Semaphores {
  const semaphores = new Semaphores(of, () => meter.count('mooring_limits_hit_total', { limit }))
  meter.gauge(taken, () => [{ labels: {}, value: semaphores.taken }])
  return semaphores
}

/** The limit for pushes without a key, from one network and to one datasource. */
export const PUSHES_PER_SECOND = 10

function limitsOf({ rateLimits }: Config, at: { db: Db; meter: Meter }): Limits {
  const { store, windowSeconds, perKey, perOrganization, failedLogins } = rateLimits
  const shared = store === 'memory' ? null : new SettledCounts(at.db)
  const counter = (rule: CounterRule): Counter =>
    createCounter(rule, shared, () => at.meter.count('mooring_limits_hit_total', { limit: rule.name }))
  return {
    perKey: counter({ name: 'key', points: perKey, windowSeconds }),
    perOrganization: counter({ name: 'organization', points: perOrganization, windowSeconds }),
    failedLogins: counter({ name: 'failed', points: failedLogins, windowSeconds: 60 }),
    pushAddress: counter({ name: 'push-address', points: PUSHES_PER_SECOND, windowSeconds: 1 }),
    pushDatasource: counter({ name: 'push-datasource', points: PUSHES_PER_SECOND, windowSeconds: 1 }),
    validations: counter({ name: 'validate', ...VALIDATIONS }),
    localSignIn: counter({ name: 'local-sign-in', ...LOCAL_SIGN_INS }),
  }
}

/** The dependencies that a web tier gets from its entry. */
export interface WebEntryDeps extends EntryDeps {
  /** True if the worker in the same process can dial; absent if there is none. */
  readonly canDial?: () => boolean
  /** The console's sign-in, in local mode. */
  readonly local?: LocalConsole
  /** The command that starts it, for messages that tell an operator what to type. */
  readonly command?: string
}

/** Builds the tier and listens on the configured address. Port 0 takes a free one. */
export async function startWeb(entryDeps: WebEntryDeps, keyring: WebKeyring): Promise<WebTier> {
  const { config } = entryDeps
  const deps = await webDeps(entryDeps, keyring)
  const readiness = await startReadiness({ ...entryDeps, canReadChanges: () => deps.changeFeed.isAlive() }, 'web')
  const { publicUrl, trustProxy, corsOrigins, patience } = config
  let isDraining = false
  const ready = async () => (isDraining ? STOPPING : readiness.ready())
  const observers = { meter: deps.meter, faultLines: createFaultLines(deps) }
  const app = createApp(deps, {
    publicUrl,
    trustProxy,
    corsOrigins,
    ready,
    observers,
  })
  const server = createHttpServer(app, { patience, publicUrl, observers })
  await listen(server, { ...config, command: entryDeps.command ?? 'npm start' }).catch(async (cause: unknown) => {
    await readiness.stop()
    throw cause
  })
  const end = endOf(server)
  return {
    port: (server.address() as AddressInfo).port, // a TCP server's address is an object once it listens
    ready,
    reload(keyring) {
      deps.sealer.reload(keyring)
      deps.tokens.reload(keyring)
    },
    async stop({ drainMs, graceMs }) {
      isDraining = true
      server.prependListener('request', (_, response) => void response.setHeader('Connection', 'close'))
      if (drainMs > 0) await delay(drainMs)
      // Subscriptions would hold their connections indefinitely.
      await deps.changeFeed.close()
      await end(graceMs)
      await readiness.stop()
    },
  }
}

/** How often a server that is ending looks for idle connections. */
const IDLE_MS = 50

/**
 * Returns a function that ends the server: it accepts no more connections, and lets existing ones finish within the
 * grace period.
 */
function endOf(server: Server): (graceMs: number) => Promise<void> {
  return async graceMs => {
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    server.closeIdleConnections()
    // A connection kept alive after its last answer would delay the end for the whole grace period.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_MS)
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    await closed
    clearInterval(idle)
    clearTimeout(timer)
  }
}
