/**
 * A dialler for the tests, and targets on this machine.
 * It may dial only loopback.
 */
import { readFileSync } from 'node:fs'
import type { DiallerEvent } from '#server/net/process/dial-pool.ts'
import { createDialler, type Dialler } from '#server/net/process/dialler.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'

/** Opens this machine alone. */
export const LOOPBACK = { openNetworks: ['127.0.0.0/8', '::1/128'] }

/** A dialler with visible internals. */
export interface TestDialler extends Dialler {
  /** Its whole log. */
  readonly events: readonly DiallerEvent[]
  /** Its running processes. */
  pids(): number[]
  /** Resolves when one of them is ready; that one takes the next request at once. */
  ready(): Promise<void>
}

/** A dialler that may dial this machine alone. The test closes it. */
export function testDialler(
  options: { children?: number; memoryMiB?: number; onReady?: (pid: number) => void } = {},
): TestDialler {
  const events: DiallerEvent[] = []
  let changed = () => {}
  const dialler = createDialler({
    policy: LOOPBACK,
    dnsServers: [],
    children: options.children ?? 1,
    memoryMiB: options.memoryMiB ?? 192,
    log: event => {
      events.push(event)
      if (event.event === 'dialler_ready' && event.pid !== undefined) options.onReady?.(event.pid)
      changed()
    },
  })
  const pidsOf = (name: DiallerEvent['event']) =>
    events.flatMap(event => (event.event === name && event.pid !== undefined ? [event.pid] : []))
  const running = (since: DiallerEvent['event']) => pidsOf(since).filter(pid => !pidsOf('dialler_ended').includes(pid))
  return {
    ...dialler,
    events,
    pids: () => running('dialler_started'),
    async ready() {
      while (running('dialler_ready').length === 0) {
        await new Promise<void>(resolve => {
          changed = resolve
        })
      }
    },
  }
}

/** A target on this machine, by default over unverified TLS. */
export function localTarget(port: number, target: Partial<Target> = {}): Target {
  return {
    host: '127.0.0.1',
    port,
    database: 'postgres',
    user: 'app',
    password: 'Tr0ub4dor-and-3',
    tlsMode: 'require',
    channelBinding: 'prefer',
    sslNegotiation: 'postgres',
    applicationName: null,
    connectTimeoutSeconds: null,
    neonEndpoint: null,
    ...target,
  }
}

/** Whether a process runs (Linux; a zombie does not). */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}
