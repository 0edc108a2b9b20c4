/**
 * The worker's interface for dials: it requests a dial here and gets a finding, while the dial itself happens in a
 * process that can be killed.
 *
 * It never throws because of a server's behaviour. Only the finding reaches the worker, bounded and validated by the
 * process that read it. Held and closed by the worker.
 */

import type { Probe } from '#server/domain/checks/probe.ts'
import type { EndpointAnswer, EndpointRequest } from '#server/domain/feeds/endpoint.ts'
import type { HostPolicy } from '#server/domain/network/host-policy.ts'
import { noAnswer, pipedBytes, withPage } from '#server/net/endpoint/request-answer.ts'
import type { ProbeRequest } from '#server/net/postgres/probe.ts'
import type { Located, LocateRequest } from '#server/net/postgres/resolve-host.ts'
import { type CatalogAsk, type CatalogRead, readCatalogThrough } from '#server/net/process/catalog-answer.ts'
import type { DialItem } from '#shared/checks/items.ts'
import { type DiallerEvent, DialPool, type PoolCounts } from './dial-pool.ts'

/** The memory of a process: enough for the largest allowed snapshot and the previous one during their comparison. */
export const DIALLING_MEMORY_MIB = 512

/** Dials for the worker. Each dial waits for a process at most `waitMs`, by default as long as its own deadline. */
export interface Dialler {
  /** Resolves when a process is ready to dial. Rejects with a sentence for the operator if none can start. */
  ready(): Promise<void>
  /** True if a process is free, or if the last start succeeded. */
  canDial(): boolean
  /** The number of processes in each state, and of waiting dials. */
  counts(): PoolCounts
  /**
   * Verifies a database: where it is, whether it is secured, what the login can do. Ends within half a second of
   * `deadlineMs`, counted from when a process is free. Never rejects: whatever a server does is a `failure` of the
   * probe.
   */
  probe(request: ProbeRequest, how?: ProbeOptions): Promise<Probe>
  /**
   * Reads a database's catalog. `finding` holds its stored form, or the fault for its rows; it is null if the dial
   * itself failed. Never rejects.
   */
  describe(request: CatalogAsk, waitMs?: number): Promise<CatalogRead>
  /** Resolves a host and judges its addresses, without connecting. Never rejects. */
  locate(request: LocateRequest, waitMs?: number): Promise<Located>
  /** Makes one signed request to an endpoint. Never rejects: every outcome is either an answer or a `failure` in it. */
  request(request: EndpointRequest, waitMs?: number): Promise<EndpointAnswer>
  /** Kills the processes and resolves when they are gone. Dials in progress end as `dialler_died`. */
  close(): Promise<void>
}

/** How long a probe waits for a process, and a listener for each checklist item that it passes. */
export interface ProbeOptions {
  readonly waitMs?: number | undefined
  readonly onPassed?: ((item: DialItem) => void) | undefined
}

interface DiallerOptions {
  readonly policy: HostPolicy
  /** `ip` or `ip:port`; empty for the system's servers. */
  readonly dnsServers: readonly string[]
  /** The maximum number of processes, and therefore of concurrent dials. One is kept warm; others start on demand. */
  readonly children: number
  /** The memory limit of each process. A warm one uses about 120 MiB. */
  readonly memoryMiB: number
  readonly log: (event: DiallerEvent) => void
  /** PEM of authorities trusted in addition to the public ones; null or omitted for none. */
  readonly extraCa?: string | null
}

/** Starts the first process; a dial requested before it is ready waits for it. */
export function createDialler(options: DiallerOptions): Dialler {
  const { policy, dnsServers, children, memoryMiB, log, extraCa = null } = options
  const settings = { policy, dnsServers, maxRssBytes: memoryMiB << 20, extraCa }
  const pool = new DialPool({ settings, children, log })
  const small = { maxBytes: 0, onBytes: () => {} }
  return {
    ready: () => pool.ready(),
    canDial: () => pool.canStart(),
    counts: () => pool.counts(),
    async probe(request, { waitMs, onPassed } = {}) {
      const started = performance.now()
      const asked = { kind: 'probe', request } as const
      const end = await pool.run({ ...small, asked, deadlineMs: request.deadlineMs, onPassed }, waitMs)
      // Sound: the process answers a probe with a probe.
      if (typeof end === 'object') return end.answer as Probe
      return unanswered(end, performance.now() - started)
    },
    describe: (asked, waitMs) => readCatalogThrough(pool, asked, waitMs),
    async locate(request, waitMs) {
      const asked = { kind: 'locate', request } as const
      const end = await pool.run({ ...small, asked, deadlineMs: request.deadlineMs }, waitMs)
      // Sound: the process answers a look-up with a look-up.
      if (typeof end === 'object') return end.answer as Located
      return { addresses: [], openNetwork: false, failure: { code: end } }
    },
    request: (asked, waitMs) => requestThrough(pool, asked, waitMs),
    close: () => pool.close(),
  }
}

async function requestThrough(pool: DialPool, request: EndpointRequest, waitMs?: number): Promise<EndpointAnswer> {
  const started = performance.now()
  const { deadlineMs } = request
  const maxBytes = pipedBytes(request.maxBytes)
  const pieces: Buffer[] = []
  const onBytes = (piece: Buffer) => void pieces.push(piece)
  const end = await pool.run({ asked: { kind: 'request', request }, deadlineMs, maxBytes, onBytes }, waitMs)
  if (typeof end !== 'object') return noAnswer(end, performance.now() - started)
  // Sound: the process answers an endpoint request with its answer.
  return withPage(end.answer as EndpointAnswer, pieces)
}

/** The finding if the process gave none, because it was busy or died. */
function unanswered(code: 'dialler_busy' | 'dialler_died', tookMs: number): Probe {
  return {
    passed: null,
    failure: { code },
    addresses: [],
    address: null,
    openNetwork: false,
    tls: null,
    channelBound: false,
    facts: null,
    schemaUsable: null,
    tookMs: Math.round(tookMs),
  }
}
