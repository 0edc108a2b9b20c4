/**
 * Measures the duration and the failures of statements and of waits for a connection, and records their spans. A
 * statement is identified by its verb and first table, never by its text or values. Called by the pool and by each of
 * its connections.
 */
import type pg from 'pg'
import type { Meter } from '#server/metrics/meter.ts'
import { inSpan } from '#server/tracing/span.ts'
import { isConnectionBroken, isContended, NoConnection, OrganizationBusy } from './availability.ts'

/** Runs a statement. An error is counted and rethrown. */
export async function observedStatement<T>(meter: Meter | undefined, text: string, run: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  try {
    return await inSpan({ name: 'statement', kind: 'client', attributes: () => attributesOf(text) }, run)
  } catch (error) {
    const reason = isConnectionBroken(error) ? 'broken' : isContended(error) ? 'contended' : 'refused'
    meter?.count('mooring_statements_failed_total', { reason })
    throw error
  } finally {
    meter?.observe('mooring_statement_seconds', {}, (performance.now() - startedAt) / 1000)
  }
}

function attributesOf(text: string) {
  const verb = /^\s*([a-z]{1,20})\b/i.exec(text)?.[1]?.toLowerCase() ?? 'statement'
  const table = /\b(?:from|into|update)\s+"?([a-z_]{1,63})\b/i.exec(text)?.[1]
  return { 'db.system.name': 'postgresql', 'db.query.summary': table === undefined ? verb : `${verb} ${table}` }
}

/** Takes a connection from a pool; counts the wait, or the reason why no connection was obtained. */
export async function observedWait<T>(meter: Meter | undefined, take: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  try {
    return await take()
  } catch (error) {
    const isShare = error instanceof OrganizationBusy
    const reason = isShare ? 'share' : error instanceof NoConnection ? 'none_in_time' : 'refused'
    meter?.count('mooring_pool_refused_total', { reason })
    throw error
  } finally {
    meter?.observe('mooring_pool_wait_seconds', {}, (performance.now() - startedAt) / 1000)
  }
}

/** Reports how much of a pool is in use. */
export function meterPool(meter: Meter | undefined, pool: pg.Pool, size: number): void {
  meter?.gauge('mooring_pool_size', () => [{ labels: {}, value: size }])
  meter?.gauge('mooring_pool_connections', () => [
    { labels: { state: 'busy' }, value: pool.totalCount - pool.idleCount },
    { labels: { state: 'idle' }, value: pool.idleCount },
    { labels: { state: 'waiting' }, value: pool.waitingCount },
  ])
}
