/**
 * The worker's hands: it asks for a dial here and gets a finding, while the dial itself happens in a process that can be
 * killed.
 *
 * It never throws over what a server does, and nothing that a server sends reaches the worker but the finding, bounded
 * and checked in shape by the process that read it. Held and closed by the worker.
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

/** Memory of a process: the largest snapshot that may be, and the one before it, while they are compared. */
export const DIALLING_MEMORY_MIB = 512

/**
 * Dials for the worker. Each dial waits for a process at most `waitMs`, by default as long as it may itself take.
 */
export interface Dialler {
  /** Resolves when a process is ready to dial. Rejects with a sentence for the operator when none can start. */
  ready(): Promise<void>
  /** True while a process is free, or the last one that was started could be. */
  canDial(): boolean
  /** How many processes there are, and how many dials wait for one. */
  counts(): PoolCounts
  /**
   * Verifies a database: where it is, whether it is secured, what the login is. Ends by `deadlineMs` and half a second,
   * counted from when a process is free. Never rejects: whatever a server does is a `failure` of the probe.
   */
  probe(request: ProbeRequest, how?: ProbeOptions): Promise<Probe>
  /**
   * Reads a database's catalog. `finding` has what is to be stored of it, or the fault that its rows came to; it is null
   * when the dial itself failed. Never rejects.
   */
  describe(request: CatalogAsk, waitMs?: number): Promise<CatalogRead>
  /** Looks a host up and judges its addresses, and connects to none. Never rejects. */
  locate(request: LocateRequest, waitMs?: number): Promise<Located>
  /** Makes one signed request to an endpoint. Never rejects: whatever answers there is a `failure` of the answer. */
  request(request: EndpointRequest, waitMs?: number): Promise<EndpointAnswer>
  /** Kills the processes and resolves when they are gone. Dials in progress end as `dialler_died`. */
  close(): Promise<void>
}

/** How long a probe waits for a process, and who is told of each item of the checklist while it passes it. */
export interface ProbeOptions {
  readonly waitMs?: number | undefined
  readonly onPassed?: ((item: DialItem) => void) | undefined
}

interface DiallerOptions {
  readonly policy: HostPolicy
  /** `ip` or `ip:port`; empty for those of the system. */
  readonly dnsServers: readonly string[]
  /** Processes, and so dials, at once at most. One is kept warm; the others are started when they are needed. */
  readonly children: number
  /** Of each process, at most. A warm one has about 120. */
  readonly memoryMiB: number
  readonly log: (event: DiallerEvent) => void
  /** PEM of authorities that are trusted beside the public ones; null or left out for none. */
  readonly extraCa?: string | null
}

/** Starts the first process; a dial that is asked before one is ready waits for it. */
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
      // Sound: the process answers a probe to a probe.
      if (typeof end === 'object') return end.answer as Probe
      return unanswered(end, performance.now() - started)
    },
    describe: (asked, waitMs) => readCatalogThrough(pool, asked, waitMs),
    async locate(request, waitMs) {
      const asked = { kind: 'locate', request } as const
      const end = await pool.run({ ...small, asked, deadlineMs: request.deadlineMs }, waitMs)
      // Sound: the process answers a look-up to a look-up.
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
  // Sound: the process answers a request to a request.
  return withPage(end.answer as EndpointAnswer, pieces)
}

/** The finding where there is none: nothing is known but that it took too long or too much. */
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
