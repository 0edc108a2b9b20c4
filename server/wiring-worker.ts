/**
 * Puts a worker together from its parts and runs it: what `worker.ts` and `main.ts` share. Here, and in operators'
 * commands, is the only way to the master secret key.
 */

import { createDialler } from '#server/net/dialler.ts'
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import { createLeaseSealer } from '#server/seal/leases.ts'
import { createSealer } from '#server/seal/sealer.ts'
import { createTokens } from '#server/seal/token.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import { Loop } from '#server/work/loop.ts'
import { trades } from '#server/work/trades.ts'
import type { Ground } from './wiring-web.ts'

const CHILDREN = 4
const CHILD_MEMORY_MIB = 256
const SLOTS = 6
const DAY_MS = 86_400_000

/** A running worker. */
export interface Worker {
  /** Claims nothing more, lets tasks under way finish for at most `graceMs`, hands the others back. */
  stop(graceMs: number): Promise<void>
}

/** Builds the worker and begins to claim tasks. */
export async function startWorker(ground: Ground, keyring: WorkerKeyring): Promise<Worker> {
  const { config, db, signals, log, clock } = ground
  const policy = { openNetworks: config.openNetworks }
  const dialler = createDialler({
    policy,
    dnsServers: config.dnsServers,
    children: CHILDREN,
    memoryMiB: CHILD_MEMORY_MIB,
    log: event => log.warn(event, 'dialler'),
  })
  const sealer = await createSealer(keyring)
  const unsealer = await createUnsealer(keyring)
  const parts = {
    db,
    signals,
    sealer,
    unsealer,
    leaseSealer: await createLeaseSealer(keyring),
    tokens: await createTokens(keyring),
    dialler,
    policy,
    clock,
    random: Math.random,
    log,
    checkIntervalMs: DAY_MS,
  }
  const loop = new Loop(parts, trades, SLOTS)
  loop.start()
  return {
    async stop(graceMs) {
      await loop.stop(graceMs)
      await dialler.close()
    },
  }
}
