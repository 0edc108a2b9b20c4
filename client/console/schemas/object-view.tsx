/**
 * One table, view or function: columns with their keys, constraints, indexes, policies, triggers. A foreign key links
 * to its table.
 */
import type { ReactNode } from 'react'
import { bytes, count } from '#client/console/base/format.ts'
import { Badge } from '#client/console/kit/badge.tsx'
import { CodeBlock } from '#client/console/kit/code.tsx'
import { Facts } from '#client/console/kit/panel.tsx'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import type { Routine } from '#shared/schemas/snapshot-object.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'
import { ColumnTable } from './column-table.tsx'
import type { OutlineLine } from './outline.ts'
import { RelationParts } from './relation-parts.tsx'

interface ObjectProps {
  readonly line: OutlineLine
  readonly snapshot: Snapshot
  readonly onFollow: (key: string) => void
}

/** Shows the object of the chosen line. */
export function ObjectView({ line, snapshot, onFollow }: ObjectProps) {
  if (line.kind === 'schema') return null
  if (line.kind === 'routine') return <RoutineView schema={line.schema} routine={line.routine} />
  return <RelationView schema={line.schema} relation={line.relation} snapshot={snapshot} onFollow={onFollow} />
}

function Head({ schema, name, children }: { schema: string; name: string; children?: ReactNode }) {
  return (
    <header className="object-head">
      <h3>
        <span className="faint">{schema}.</span>
        {name}
      </h3>
      {children}
    </header>
  )
}

const KINDS = {
  table: 'table',
  partitioned_table: 'partitioned table',
  foreign_table: 'foreign table',
  view: 'view',
  materialized_view: 'materialized view',
} as const

function RelationView(props: {
  schema: string
  relation: Relation
  snapshot: Snapshot
  onFollow: (key: string) => void
}) {
  const { schema, relation, snapshot, onFollow } = props
  const estimate = snapshot.observed.estimates
    .find(one => one.schema === schema)
    ?.relations.find(one => one.name === relation.name)
  return (
    <div className="stack">
      <Head schema={schema} name={relation.name}>
        <span className="soft small">{KINDS[relation.kind]}</span>
        {relation.rowSecurity ? (
          <Badge tone="good">row security{relation.rowSecurityForced ? ', forced' : ''}</Badge>
        ) : null}
      </Head>
      {relation.comment === undefined ? null : <p className="soft">{relation.comment}</p>}
      <Facts
        facts={{
          'Rows, estimated':
            estimate?.rows === undefined || estimate.rows === null ? null : count(Math.round(estimate.rows)),
          Size: estimate === undefined ? null : bytes(estimate.bytes),
          'The role may': relation.may === undefined ? null : relation.may.join(', '),
          'Partitioned by': relation.partitionKey === undefined ? null : <code>{relation.partitionKey}</code>,
        }}
      />
      <ColumnTable relation={relation} onFollow={onFollow} />
      <RelationParts relation={relation} />
      {relation.definition === undefined ? null : <CodeBlock label="Query" text={relation.definition} />}
    </div>
  )
}

function RoutineView({ schema, routine }: { schema: string; routine: Routine }) {
  return (
    <div className="stack">
      <Head schema={schema} name={routine.name}>
        <span className="soft small">{routine.kind}</span>
        {routine.securityDefiner ? <Badge tone="warn">security definer</Badge> : null}
      </Head>
      {routine.comment === undefined ? null : <p className="soft">{routine.comment}</p>}
      <Facts
        facts={{
          Arguments: routine.arguments === '' ? 'none' : <code>{routine.arguments}</code>,
          Result: routine.result === undefined ? null : <code>{routine.result}</code>,
          Language: routine.language,
          Volatility: routine.volatility ?? 'volatile',
          'Search path': routine.searchPath === undefined ? null : <code>{routine.searchPath}</code>,
          'The role': routine.denied ? 'may not execute it' : 'may execute it',
        }}
      />
    </div>
  )
}
