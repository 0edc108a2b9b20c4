/**
 * Limits on the data stored in our own
 * database for a caller.
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
    what: 'Validity of an idempotency key',
    ...{ bound: retention.idempotencyMs, unit: 'ms', setting: 'MOORING_KEEP_IDEMPOTENCY_DAYS' },
    ...{ happens: 'oldest goes', how: 'the key is new again' },
    test: ['datasources/idempotency', 'After 24 hours'],
    holds: ['table idempotency_keys'],
  },
  {
    what: 'Stored answers of an organization under idempotency keys, in all',
    ...{ bound: MAX_KEPT_BYTES, unit: 'bytes', happens: 'oldest goes' },
    how: 'its claim and result stay: a repeat gets a new answer, and nothing happens twice',
    test: ['attacks/sizes/storage', 'MAX_KEPT_BYTES'],
  },
  {
    what: 'Snapshots of a datasource',
    ...{ bound: KEPT_SNAPSHOTS.count, unit: 'snapshots', happens: 'oldest goes' },
    how: 'by the time at which it was last current; the newest of all schemas stays',
    test: ['attacks/sizes/storage', 'KEPT_SNAPSHOTS.count'],
    holds: ['table snapshots'],
  },
  {
    what: 'Those snapshots together, compressed',
    ...{ bound: KEPT_SNAPSHOTS.bytes, unit: 'bytes', happens: 'oldest goes', how: 'the same' },
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
    what: 'Retention of a verification',
    ...{ bound: retention.verificationsMs, unit: 'ms', setting: 'MOORING_KEEP_VERIFICATIONS_DAYS' },
    ...{ happens: 'oldest goes', how: 'the same' },
    test: ['attacks/sizes/storage', 'verificationsMs'],
  },
  {
    what: 'Retention of the rows of a removed datasource',
    ...{ bound: retention.removedMs, unit: 'ms', setting: 'MOORING_KEEP_REMOVED_DAYS' },
    ...{ happens: 'oldest goes', how: 'with all of its rows' },
    test: ['attacks/sizes/storage', 'removedMs'],
  },
  {
    what: 'Retention of the row of a retired credential',
    ...{ bound: retention.removedMs, unit: 'ms', setting: 'MOORING_KEEP_REMOVED_DAYS' },
    ...{ happens: 'oldest goes', how: 'the newest version and that of a live lease stay' },
    test: ['operations/retention', 'retired credentials'],
  },
  {
    what: 'Retention of the audit record',
    ...{ bound: retention.auditMs, unit: 'ms', setting: 'MOORING_KEEP_AUDIT_DAYS' },
    ...{ happens: 'oldest goes', how: 'by whole months, never below 30 days' },
    test: ['database/months', 'auditMs'],
    holds: ['table audit_events'],
  },
  {
    what: 'Retention of the row of an ended lease',
    ...{ bound: retention.leasesMs, unit: 'ms', setting: 'MOORING_KEEP_LEASES_DAYS' },
    ...{ happens: 'oldest goes', how: 'the record keeps its events' },
    test: ['attacks/sizes/storage', 'leasesMs'],
    holds: ['table leases'],
  },
  {
    what: 'Retention of the rows of revoked keys and ended capabilities',
    ...{ bound: retention.revokedMs, unit: 'ms', setting: 'MOORING_KEEP_REVOKED_DAYS' },
    ...{ happens: 'oldest goes' },
    how: 'one that another row refers to stays',
    test: ['attacks/sizes/storage', 'revokedMs'],
    holds: ['table tokens', 'table revocations'],
  },
  {
    what: "Retention of an event's content",
    ...{ bound: feeds.retentionMs, unit: 'ms', setting: 'MOORING_EVENT_RETENTION_SECONDS' },
    ...{ happens: 'oldest goes', how: 'its id stays, so that a repeated page does not restore it' },
    test: ['feeds/feed-read', 'deletes the content of events, keeps their ids'],
    holds: ['table feed_events', 'server/work/retention.ts purgeExpired()'],
  },
  {
    what: 'Retention of an answer to a push',
    ...{ bound: PUSHES_KEPT_MS, unit: 'ms', happens: 'oldest goes', how: 'the message id is new again' },
    test: ['house/limits-bounds', 'PUSHES_KEPT_MS'],
    holds: ['table feed_pushes'],
  },
]
