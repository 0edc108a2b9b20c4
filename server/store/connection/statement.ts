/**
 * The surroundings of a statement: the organization that it runs for and its deadline, carried along asynchronous calls, and
 * the measurement of how long it took. The pool reads the scope when a connection is taken, and each connection when a
 * statement begins; the API sets it for a request, and work that must answer sooner than the default deadline.
 *
 * A statement is identified by its verb and first table, never by its text or values.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type pg from 'pg'
import type { Meter } from '#server/metrics/meter.ts'
import { inSpan, isTraced } from '#server/tracing/span.ts'
import { isConnectionBroken, isContended, NoConnection, OrganizationBusy } from './availability.ts'

interface StatementScope {
  /** The organization charged for the connection; null for the installation itself. */
  readonly organizationId: string | null
  /** The connection is destroyed after this time; null for the pool's own deadline. */
  readonly deadlineMs: number | null
  /**
   * The connections that this call holds: a call that has one never waits for a second behind others of its
   * organization.
   */
  held: number
}

const scopes = new AsyncLocalStorage<StatementScope>()

/** The scope of the running call; undefined outside a call. */
export function statementScope(): StatementScope | undefined {
  return scopes.getStore()
}

/** Runs `work` with its connections counted towards an organization. */
export function forOrganization<T>(organizationId: string, work: () => T): T {
  return scopes.run({ organizationId, deadlineMs: scopes.getStore()?.deadlineMs ?? null, held: 0 }, work)
}

/** Runs `work` for the process itself, with a deadline for each statement; a caller that started it is not charged. */
export function forInstallation<T>(deadlineMs: number, work: () => T): T {
  return scopes.run({ organizationId: null, deadlineMs, held: 0 }, work)
}

/** Runs `work` with its own deadline for each statement. */
export function withDeadline<T>(deadlineMs: number, work: () => T): T {
  const outer = scopes.getStore()
  return scopes.run({ organizationId: outer?.organizationId ?? null, deadlineMs, held: outer?.held ?? 0 }, work)
}

/**
 * Runs and measures statements on our own database; without a meter it counts nothing. Errors are counted and rethrown.
 * Each pool has one.
 */
export class Observer {
  readonly #meter: Meter | undefined
  readonly #isSpanned = isTraced()
  // Looked up at the first use: a pool is opened before the metrics of its tier exist.
  #statementSeconds: ((value: number) => void) | undefined
  #waitSeconds: ((value: number) => void) | undefined

  constructor(meter: Meter | undefined) {
    this.#meter = meter
  }

  /** Runs a statement, in a span if there is an SDK. */
  async statement<T>(text: string, run: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    try {
      if (!this.#isSpanned) return await run()
      return await inSpan({ name: 'statement', kind: 'client', attributes: () => attributesOf(text) }, run)
    } catch (error) {
      const reason = isConnectionBroken(error) ? 'broken' : isContended(error) ? 'contended' : 'refused'
      this.#meter?.count('mooring_statements_failed_total', { reason })
      throw error
    } finally {
      this.#statementSeconds ??= this.#meter?.histogram('mooring_statement_seconds', {})
      this.#statementSeconds?.((performance.now() - startedAt) / 1000)
    }
  }

  /** Takes a connection from a pool; counts the wait, or the reason why no connection was obtained. */
  async wait<T>(take: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    try {
      return await take()
    } catch (error) {
      const isShare = error instanceof OrganizationBusy
      const reason = isShare ? 'share' : error instanceof NoConnection ? 'none_in_time' : 'refused'
      this.#meter?.count('mooring_pool_refused_total', { reason })
      throw error
    } finally {
      this.#waitSeconds ??= this.#meter?.histogram('mooring_pool_wait_seconds', {})
      this.#waitSeconds?.((performance.now() - startedAt) / 1000)
    }
  }

  /** Reports how much of a pool is in use. */
  pool(pool: pg.Pool, size: number): void {
    this.#meter?.gauge('mooring_pool_size', () => [{ labels: {}, value: size }])
    this.#meter?.gauge('mooring_pool_connections', () => [
      { labels: { state: 'busy' }, value: pool.totalCount - pool.idleCount },
      { labels: { state: 'idle' }, value: pool.idleCount },
      { labels: { state: 'waiting' }, value: pool.waitingCount },
    ])
  }
}

function attributesOf(text: string) {
  const verb = /^\s*([a-z]{1,20})\b/i.exec(text)?.[1]?.toLowerCase() ?? 'statement'
  const table = /\b(?:from|into|update)\s+"?([a-z_]{1,63})\b/i.exec(text)?.[1]
  return { 'db.system.name': 'postgresql', 'db.query.summary': table === undefined ? verb : `${verb} ${table}` }
}
