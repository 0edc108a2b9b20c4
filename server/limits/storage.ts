/**
 * Limits of what is kept in our own database for a caller.
 */
import { readConfig } from '#server/config.ts'
import { MAX_KEPT_BYTES } from '#server/store/access/idempotency.ts'
import { MAX_VERIFICATIONS } from '#server/store/datasources/verdicts.ts'
import { KEPT_SNAPSHOTS } from '#server/store/schemas/kept-snapshots.ts'
import { PUSHES_KEPT_MS } from '#server/work/retention.ts'
import type { Limit } from './limit.ts'

const { feeds, retention } = readConfig({})

/** Limits of storage. */
export const STORAGE_LIMITS: readonly Limit[] = [
  {
    what: 'Time for which an idempotency key is good',
    ...{ bound: retention.idempotencyMs, unit: 'ms', setting: 'MOORING_KEEP_IDEMPOTENCY_DAYS' },
    ...{ happens: 'oldest goes', how: 'the key is new again' },
    test: ['datasources/idempotency', 'After 24 hours'],
    holds: ['table idempotency_keys'],
  },
  {
    what: 'Answers of an organization that are kept under idempotency keys, together',
    ...{ bound: MAX_KEPT_BYTES, unit: 'bytes', happens: 'oldest goes' },
    how: 'its claim and result stay: a repeat is answered anew, and nothing is done again',
    test: ['attacks/sizes/storage', 'MAX_KEPT_BYTES'],
  },
  {
    what: 'Snapshots of a datasource',
    ...{ bound: KEPT_SNAPSHOTS.count, unit: 'snapshots', happens: 'oldest goes' },
    how: 'by when it was last seen to hold; the newest of all schemas stays',
    test: ['attacks/sizes/storage', 'KEPT_SNAPSHOTS.count'],
    holds: ['table snapshots'],
  },
  {
    what: 'Those snapshots together, compressed',
    ...{ bound: KEPT_SNAPSHOTS.bytes, unit: 'bytes', happens: 'oldest goes', how: 'likewise' },
    test: ['attacks/sizes/storage', 'KEPT_SNAPSHOTS.bytes'],
  },
  {
    what: 'Verifications of a datasource',
    ...{ bound: MAX_VERIFICATIONS, unit: 'verifications', happens: 'oldest goes' },
    how: 'the datasource keeps its latest verdict itself',
    test: ['attacks/sizes/storage', 'MAX_VERIFICATIONS'],
    holds: ['table verifications'],
  },
  {
    what: 'Time for which a verification is kept',
    ...{ bound: retention.verificationsMs, unit: 'ms', setting: 'MOORING_KEEP_VERIFICATIONS_DAYS' },
    ...{ happens: 'oldest goes', how: 'likewise' },
    test: ['attacks/sizes/storage', 'verificationsMs'],
  },
  {
    what: 'Time for which the rows of a removed datasource are kept',
    ...{ bound: retention.removedMs, unit: 'ms', setting: 'MOORING_KEEP_REMOVED_DAYS' },
    ...{ happens: 'oldest goes', how: 'and with it all that hangs on it' },
    test: ['attacks/sizes/storage', 'removedMs'],
  },
  {
    what: 'Time for which the row of a retired credential is kept',
    ...{ bound: retention.removedMs, unit: 'ms', setting: 'MOORING_KEEP_REMOVED_DAYS' },
    ...{ happens: 'oldest goes', how: 'the newest version stays, and what a live lease is of' },
    test: ['operations/retention', 'retired credentials'],
  },
  {
    what: 'Time for which the record of who did what is kept',
    ...{ bound: retention.auditMs, unit: 'ms', setting: 'MOORING_KEEP_AUDIT_DAYS' },
    ...{ happens: 'oldest goes', how: 'by whole months, never below 30 days' },
    test: ['database/months', 'auditMs'],
    holds: ['table audit_events'],
  },
  {
    what: 'Time for which the row of an ended lease is kept',
    ...{ bound: retention.leasesMs, unit: 'ms', setting: 'MOORING_KEEP_LEASES_DAYS' },
    ...{ happens: 'oldest goes', how: 'the record keeps its events' },
    test: ['attacks/sizes/storage', 'leasesMs'],
    holds: ['table leases'],
  },
  {
    what: 'Time for which the rows of revoked keys and ended capabilities are kept',
    ...{ bound: retention.revokedMs, unit: 'ms', setting: 'MOORING_KEEP_REVOKED_DAYS' },
    ...{ happens: 'oldest goes' },
    how: 'one that another row refers to stays',
    test: ['attacks/sizes/storage', 'revokedMs'],
    holds: ['table tokens', 'table revocations'],
  },
  {
    what: "Time for which an event's content is kept",
    ...{ bound: feeds.retentionMs, unit: 'ms', setting: 'MOORING_EVENT_RETENTION_SECONDS' },
    ...{ happens: 'oldest goes', how: 'its id stays, so that a repeated page does not bring it back' },
    test: ['feeds/feed-read', 'removes what events held, keeps their ids'],
    holds: ['table feed_events', 'server/work/retention.ts purgeExpired()'],
  },
  {
    what: 'Time for which an answer to a push is kept',
    ...{ bound: PUSHES_KEPT_MS, unit: 'ms', happens: 'oldest goes', how: 'the message id is new again' },
    test: ['house/limits-bounds', 'PUSHES_KEPT_MS'],
    holds: ['table feed_pushes'],
  },
]
