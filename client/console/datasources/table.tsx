/**
 * The rows of the list: state, name and place, mode, last check. On a narrow screen, each row is a card with the same
 * cells. The name is the link; a click anywhere on the row follows it as well.
 */
import { Link } from '@tanstack/react-router'
import type { DatasourceItem } from '#client/console/api/trpc.ts'
import { ModeTag } from '#client/console/kit/badge.tsx'
import { Time } from '#client/console/kit/time.tsx'
import { placeOf, StateBadge } from './state.tsx'

/** The table. `isStale` is true while it still shows the previous page because the next one is loading. */
export function DatasourceTable({ rows, isStale }: { rows: readonly DatasourceItem[]; isStale: boolean }) {
  return (
    <table className={isStale ? 'table rows stale' : 'table rows'} aria-busy={isStale}>
      <caption className="unseen">Datasources, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">State</th>
          <th scope="col">Mode</th>
          <th scope="col">Last check</th>
          <th scope="col">Next check</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <Row key={row.id} row={row} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ row }: { row: DatasourceItem }) {
  return (
    <tr>
      <td className="row-name">
        <Link to="/datasources/$id" params={{ id: row.id }} className="row-link">
          {row.name}
        </Link>
        <span className="faint small cut mono">{placeOf(row)}</span>
      </td>
      <td className="row-state">
        <StateBadge datasource={row} />
        {row.statusReason === null ? null : <code className="faint small cut">{row.statusReason}</code>}
      </td>
      <td>
        <ModeTag mode={row.mode} />
      </td>
      <td data-label="Last check">
        <Time at={row.verifiedAt} none="never passed" />
      </td>
      <td data-label="Next check">
        <Time at={row.nextCheckAt} />
      </td>
    </tr>
  )
}
