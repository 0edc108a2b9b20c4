/**
 * The schema of a datasource: a searchable list of its tables, views and functions, with the parts of the chosen one
 * beside it.
 */
import { useMemo, useState } from 'react'
import type { DatasourceItem } from '#client/console/api/trpc.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { LatestSchema } from './latest-schema.tsx'
import { ObjectView } from './object-view.tsx'
import { type OutlineLine, outlineOf } from './outline.ts'
import { OutlineList } from './outline-list.tsx'

/** The tab for the schema. */
export function SchemaTab({ datasource }: { datasource: DatasourceItem }) {
  return <LatestSchema datasource={datasource}>{snapshot => <Browser snapshot={snapshot} />}</LatestSchema>
}

function Browser({ snapshot }: { snapshot: Snapshot }) {
  const lines = useMemo(() => outlineOf(snapshot), [snapshot])
  const [chosenKey, setChosenKey] = useState<string | null>(null)
  const chosen = lines.find(line => line.key === chosenKey) ?? lines.find(isObject) ?? null
  if (chosen === null) return null
  return (
    <div className="browser">
      <OutlineList lines={lines} chosen={chosen.key} onChoose={setChosenKey} />
      <div className="browser-detail">
        <ObjectView line={chosen} onFollow={setChosenKey} snapshot={snapshot} />
      </div>
    </div>
  )
}

function isObject(line: OutlineLine): boolean {
  return line.kind !== 'schema'
}
