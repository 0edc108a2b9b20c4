/**
 * Converts a row to the datasource that callers see, from explicitly listed fields. A column that is not named here is
 * not returned, whatever a migration adds. It does no authorization, which happens earlier.
 */

import { eventLag } from '#server/domain/feeds/feed.ts'
import type { DatasourceRow } from '#server/store/datasources/datasources.ts'
import { datasourceId, displayName } from '#shared/base/datasource-name.ts'
import { Check, CheckItem } from '#shared/checks/check.ts'
import { type Datasource, DB_TYPES } from '#shared/datasources/datasource.ts'
import { currentCode } from '#shared/faults/fault-names.ts'

/** The columns of a row that are returned. */
export type DisplayedRow = Omit<
  DatasourceRow,
  'org_id' | 'tls_mode' | 'identity' | 'verification_id' | 'credential_version' | 'version'
>

const MINUTE_MS = 60_000
/** The start of the year 10000, whose texts are longer. */
const LAST_MS = 253_402_300_800_000
const SECONDS = Array.from({ length: 60 }, (_, second) => `${String(second).padStart(2, '0')}.`)
const MILLISECONDS = Array.from({ length: 1_000 }, (_, millisecond) => `${String(millisecond).padStart(3, '0')}Z`)

/** Formats a time like `toISOString`, in a fifth of its time. */
export const iso = isoFormatter()

/** Keeps the text of the last minute: most rows of a list changed within few. */
function isoFormatter() {
  let last = { minute: Number.NaN, text: '' }
  function format(at: Date): string
  function format(at: Date | null): string | null
  function format(at: Date | null): string | null {
    if (at === null) return null
    const ms = at.getTime()
    if (!(ms >= 0 && ms < LAST_MS)) return at.toISOString()
    const minute = Math.floor(ms / MINUTE_MS)
    if (minute !== last.minute) last = { minute, text: at.toISOString().slice(0, 17) }
    const rest = ms - minute * MINUTE_MS
    const second = Math.floor(rest / 1_000)
    return `${last.text}${SECONDS[second]}${MILLISECONDS[rest - second * 1_000]}`
  }
  return format
}

/** A row as callers see it. */
export function toResponse(row: DatasourceRow): Datasource {
  return rowToResponse(row, row.version ?? row.credential_version)
}

/**
 * A datasource whose columns are known without reading its row. The version is a separate parameter: copying each row
 * of a list to change it would cost more than everything else.
 */
export function rowToResponse(row: DisplayedRow, version: number): Datasource {
  const ownName = displayName(row)
  const createdAt = iso(row.created_at)
  // Spread first in what it becomes: V8 copies the fields of such an object at once, and others one by one.
  const both = {
    kind: row.kind,
    id: datasourceId(row),
    mode: row.mode,
    status: row.status,
    statusReason: row.status_reason === null ? null : currentCode(row.status_reason),
    name: row.name ?? ownName,
    displayName: ownName,
    metadata: row.metadata,
    checks: row.checks?.map(presentCheck) ?? [],
    advisories: row.advisories?.map(({ item, recommendation }) => ({ item, recommendation })) ?? [],
    credentialVersion: version,
    credentialFingerprint: row.fingerprint,
    createdAt,
    updatedAt: iso(row.updated_at) ?? createdAt,
    verifiedAt: iso(row.verified_at),
    nextCheckAt: iso(row.next_check_at),
    removedAt: iso(row.deleted_at),
  }
  if (row.kind === 'endpoint') {
    // The key that was registered last is shown at once; it comes into force when the endpoint accepts it.
    const keyLast4 = row.feed?.pending_last4 ?? row.last4
    return { ...both, kind: 'endpoint', endpoint: row.endpoint ?? '', keyLast4, feed: presentFeed(row.feed) }
  }
  return {
    ...both,
    kind: 'direct',
    dbType: knownType(row.db_type ?? 'postgresql'),
    host: row.host ?? '',
    port: row.port ?? 5432,
    database: row.database ?? '',
    schema: row.schema,
    excludedSchemas: row.excluded_schemas ?? [],
    introspectedAt: iso(row.introspected_at),
  }
}

/** A line of the checklist in the order of its schema: `jsonb` stores the fields of an object in another. */
function presentCheck({ item, outcome, actual, fix }: Check): Check {
  if (!ITEMS.has(item) || !OUTCOMES.has(outcome)) throw new Error('a stored check has a value that there is not')
  // Each form written out: spreads would take longer than everything else of a list.
  if (fix === undefined) return actual === undefined ? { item, outcome } : { item, outcome, actual }
  return actual === undefined ? { item, outcome, fix } : { item, outcome, actual, fix }
}

const ITEMS: ReadonlySet<string> = new Set(CheckItem.options)
const OUTCOMES: ReadonlySet<string> = new Set(Check.shape.outcome.options)
const TYPES: ReadonlySet<string> = new Set(DB_TYPES)

/** The database stores a text. Throws for a value that the contract lacks: no answer may contain it. */
function knownType<T extends string>(type: T): T {
  if (!TYPES.has(type)) throw new Error('a datasource has a type that there is not')
  return type
}

function presentFeed(feed: DatasourceRow['feed']): Extract<Datasource, { kind: 'endpoint' }>['feed'] {
  return {
    cursor: feed?.cursor ?? null,
    eventLag: eventLag({
      newestEventAtMs: feed?.newest_event_ms ?? null,
      lastSuccessAtMs: feed?.polled_at?.getTime() ?? null,
      drained: feed?.drained ?? true,
    }),
    retryCount: feed?.retry_count ?? 0,
    lastRequestAt: iso(feed?.last_request_at ?? null),
    lastSuccessAt: iso(feed?.last_success_at ?? null),
    lastError: feed?.last_error ?? feed?.rotation_error ?? null,
  }
}
