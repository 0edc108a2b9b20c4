/**
 * How long statements and waits for a connection take, how they fail, and their spans. A statement is told by its verb and its
 * first table, never by its text or its values. Called by the pool and by each of its connections.
 */
import type pg from 'pg'
import type { Meter } from '#server/metrics/meter.ts'
import { inSpan } from '#server/tracing/span.ts'
import { isConnectionBroken, isContended, NoConnection, OrganizationBusy } from './availability.ts'

/** Runs a statement. An error is counted and thrown on. */
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

/** Takes a connection from a pool: counts the wait, and why there is none. */
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

/** Says how much of a pool is used. */
export function meterPool(meter: Meter | undefined, pool: pg.Pool, size: number): void {
  meter?.gauge('mooring_pool_size', () => [{ labels: {}, value: size }])
  meter?.gauge('mooring_pool_connections', () => [
    { labels: { state: 'busy' }, value: pool.totalCount - pool.idleCount },
    { labels: { state: 'idle' }, value: pool.idleCount },
    { labels: { state: 'waiting' }, value: pool.waitingCount },
  ])
}
