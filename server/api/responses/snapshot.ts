/**
 * Converts a snapshot's row to the summary that callers see.
 * It does no authorization, which happens earlier.
 */

import type { DatasourceRow } from '#server/store/datasources/datasources.ts'
import type { SnapshotRow as SummaryRow } from '#server/store/schemas/snapshots.ts'
import { datasourceId } from '#shared/base/datasource-name.ts'
import { typedId } from '#shared/base/wire.ts'
import type { SnapshotSummary } from '#shared/schemas/introspection.ts'

/** A snapshot without its content. */
export function snapshotToResponse(
  row: SummaryRow,
  datasource: Pick<DatasourceRow, 'id' | 'kind' | 'mode'>,
): SnapshotSummary {
  const { breaking, risky, safe } = row
  return {
    id: typedId('snap_', row.id),
    datasourceId: datasourceId(datasource),
    fingerprint: row.fingerprint,
    schemasAsked: row.schemas_asked,
    tableCount: row.table_count,
    previousId: row.previous_id === null ? null : typedId('snap_', row.previous_id),
    drift: breaking === null || risky === null || safe === null ? null : { breaking, risky, safe },
    takenAt: row.taken_at.toISOString(),
    seenAt: row.seen_at.toISOString(),
  }
}
