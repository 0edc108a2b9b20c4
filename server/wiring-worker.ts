/**
 * Assembles a worker from its parts and runs it: the code shared by `worker.ts` and `main.ts`. Only this file and
 * operators' commands have access to the master secret key.
 */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FEED_PACE } from '#server/domain/feeds/feed.ts'
import type { OwnPlace } from '#server/domain/network/host-policy.ts'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import { ConfigError } from '#server/env.ts'
import { startAlone } from '#server/net/process/alone.ts'
import { createDialler, DIALLING_MEMORY_MIB, type Dialler } from '#server/net/process/dialler.ts'
import type { EntryDeps } from '#server/process/process.ts'
import { quarantineOrder } from '#server/process/quarantine-order.ts'
import { type Readiness, startReadiness } from '#server/process/readiness.ts'
import { createFingerprinter } from '#server/seal/fingerprinter.ts'
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import { createLeaseSealer } from '#server/seal/leases.ts'
import { createSealer } from '#server/seal/sealer.ts'
import { createTokens } from '#server/seal/token.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import { createVerdictSigner } from '#server/seal/verdicts.ts'
import { wrongFile } from '#server/settings/wrong-value.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import { type Concurrencies, concurrencyOf } from '#server/work/concurrency.ts'
import { requireOwnKeys } from '#server/work/credentials/own-keys.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import { startHealing } from '#server/work/keys/heal.ts'
import { Loop } from '#server/work/loop.ts'
import { observedDialler } from '#server/work/observed-dialler.ts'
import { Quarantine } from '#server/work/quarantine.ts'
import { meterQueue } from '#server/work/queue-metrics.ts'
import { startRetention } from '#server/work/retention.ts'
import { runTask } from '#server/work/run-task.ts'
import { Semaphore } from '#server/work/semaphore.ts'
import { feedTaskHandlers, taskHandlers } from '#server/work/task-handlers.ts'

/** A running worker. */
export interface Worker {
  /** Whether it can do its work now, and if not, why; answered within two seconds. */
  ready(): Promise<Readiness>
  /** True if dialling processes can be started. */
  canDial(): boolean
  /** Throws a sentence for a keyring that belongs to another installation. */
  accepts(keyring: WorkerKeyring): Promise<void>
  /** Switches to another keyring. */
  reload(keyring: WorkerKeyring): void
  /** Stops claiming, lets running tasks finish for at most `graceMs`, and releases the others. */
  stop(graceMs: number): Promise<void>
}

/** The dependencies that a worker gets from its entry. */
export interface WorkerEntryDeps extends EntryDeps {
  /** Places that are never dialled for a customer: our own server, and the ports on which we listen. */
  readonly ownPlaces: readonly OwnPlace[]
  /** False if a first attempt is not aborted early: events in the middle of one then take the time that they need. */
  readonly cutsFirstTries?: boolean
}

/** Builds the worker and starts claiming tasks. */
export async function startWorker(entryDeps: WorkerEntryDeps, keyring: WorkerKeyring): Promise<Worker> {
  const { config } = entryDeps
  await requireOwnKeys(entryDeps.db, keyring)
  const dialler = startDialler(entryDeps, await extraCa(config.feeds.extraCaFile), config.dialProcesses)
  try {
    // A worker that cannot dial would claim every check and blame the customers' databases.
    await dialler.ready()
  } catch (cause) {
    await dialler.close()
    throw cause
  }
  const deps = await workerDepsOf(entryDeps, keyring, observedDialler(dialler, entryDeps))
  const canDial = () => dialler.canDial()
  const readiness = await startReadiness({ ...entryDeps, canDial }, 'worker')
  const { checks, feeds } = concurrencyOf(config.dialProcesses)
  const asked = { ...checks, cutsFirstTries: entryDeps.cutsFirstTries ?? checks.cutsFirstTries }
  const loops = [new Loop(deps, taskHandlers, asked), new Loop(deps, feedTaskHandlers, feeds)]
  meterWork(entryDeps, loops, { checks, feeds })
  const quarantine = startQuarantine(entryDeps, deps)
  for (const loop of loops) loop.start()
  const healing = startHealing(deps)
  const stopForgetting = startRetention(deps, { retention: config.retention, eventsMs: config.feeds.retentionMs })
  return {
    ready: readiness.ready,
    canDial,
    accepts: next => requireOwnKeys(entryDeps.db, next),
    reload(keyring) {
      const { sealer, unsealer, fingerprinter, leaseSealer, verdicts, tokens } = deps
      for (const holder of [sealer, unsealer, fingerprinter, leaseSealer, verdicts, tokens]) holder.reload(keyring)
      for (const loop of loops) loop.reloaded()
      healing.now()
    },
    async stop(graceMs) {
      await Promise.all([...loops.map(loop => loop.stop(graceMs)), quarantine?.stop(graceMs), stopForgetting()])
      await healing.stop()
      await dialler.close()
      await readiness.stop()
    },
  }
}

/** Of the two loops, the first one handles checks. */
function meterWork(
  entryDeps: WorkerEntryDeps,
  loops: readonly Loop[],
  concurrency: Pick<Concurrencies, 'checks' | 'feeds'>,
): void {
  const { meter } = entryDeps
  meter.begin('worker')
  meterQueue(entryDeps)
  const queues = ['checks', 'feeds'] as const
  meter.gauge('mooring_tasks_running', () =>
    queues.map((queue, at) => ({ labels: { queue }, value: loops[at]?.running ?? 0 })),
  )
  meter.gauge('mooring_task_places', () =>
    queues.map(queue => ({ labels: { queue }, value: concurrency[queue].limit })),
  )
}

function startQuarantine({ alone }: WorkerEntryDeps, deps: WorkerDeps): Quarantine | null {
  if (alone === undefined) return null
  const kinds = Object.keys({ ...taskHandlers, ...feedTaskHandlers }) as TaskKind[] // the keys of TaskHandlers are kinds
  const entry = join(dirname(fileURLToPath(import.meta.url)), 'quarantine.ts')
  const quarantine = new Quarantine(deps, kinds, (claim, deadlineMs) =>
    startAlone({ entry, order: quarantineOrder(alone, claim, deadlineMs), deadlineMs }),
  )
  quarantine.start()
  return quarantine
}

/**
 * Runs one claimed task, in a process that does nothing else. `begins` is called before any part of the task is opened.
 */
export async function runOne(
  entryDeps: WorkerEntryDeps,
  keyring: WorkerKeyring,
  { claim, begins }: { readonly claim: Claim; begins(): void },
): Promise<void> {
  const dialler = startDialler(entryDeps, await extraCa(entryDeps.config.feeds.extraCaFile), 1)
  await dialler.ready()
  const deps = await workerDepsOf(entryDeps, keyring, dialler)
  begins()
  await runTask(deps, { ...taskHandlers, ...feedTaskHandlers }, { claim })
  await dialler.close()
}

function startDialler(entryDeps: WorkerEntryDeps, extraCa: string | null, children: number): Dialler {
  const { config, log, meter, ownPlaces } = entryDeps
  return createDialler({
    policy: { openNetworks: config.openNetworks, egressAddresses: config.egressAddresses, ownPlaces },
    dnsServers: config.dnsServers,
    children,
    memoryMiB: DIALLING_MEMORY_MIB,
    extraCa,
    log(event) {
      if (event.event !== 'dialler_ended') return log.debug(event, 'dialler')
      const { reason, pid, stderr } = event
      meter.count('mooring_dial_processes_ended_total', { reason })
      if (reason === 'closed' || reason === 'idle') log.debug(event, 'dialler')
      else log.warn({ stage: 'dial', reason, pid, stderr }, 'a dialling process ended')
    },
  })
}

/** The dependencies of task handlers. */
export async function workerDepsOf(
  entryDeps: EntryDeps,
  keyring: WorkerKeyring,
  dialler: Dialler,
): Promise<WorkerDeps> {
  const { config, db, notifications, log, clock, meter } = entryDeps
  return {
    db,
    notifications,
    sealer: await createSealer(keyring),
    unsealer: await createUnsealer(keyring),
    fingerprinter: await createFingerprinter(keyring),
    leaseSealer: await createLeaseSealer(keyring),
    verdicts: await createVerdictSigner(keyring),
    tokens: await createTokens(keyring),
    dialler,
    policy: { openNetworks: config.openNetworks, egressAddresses: config.egressAddresses },
    clock,
    random: Math.random,
    log,
    meter,
    checkIntervalMs: config.checkIntervalMs,
    feeds: {
      pace: FEED_PACE,
      rotationWindowMs: config.feeds.rotationWindowMs,
      dials: new Semaphore(concurrencyOf(config.dialProcesses).feedDials),
    },
  }
}

/**
 * The authorities that a private installation trusts in addition to the public ones. Refuses to start with a file that
 * contains none.
 */
async function extraCa(path: string | null): Promise<string | null> {
  if (path === null) return null
  const refuse = (wrong: string) =>
    new ConfigError('MOORING_EXTRA_CA', 'the path of a readable file with certificates as PEM', wrong)
  const pem = await readFile(path, 'utf8').catch((error: unknown) => {
    throw refuse(wrongFile(error))
  })
  try {
    // Throws for anything but a certificate; otherwise every dialling process would die because of it.
    new X509Certificate(pem)
    return pem
  } catch {
    throw refuse('there is no certificate in that file')
  }
}
