/**
 * The page of one datasource: its state on top, and a tab for each subject. The open tab is part of the address. Tabs
 * that belong to the other kind are left out.
 */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type ComponentType, lazy, Suspense } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { problemOf } from '#client/console/base/problem.ts'
import type { DatasourceTab } from '#client/console/base/search.ts'
import { placeOf, StateBadge } from '#client/console/datasources/state.tsx'
import { ModeTag } from '#client/console/kit/badge.tsx'
import { linkClass } from '#client/console/kit/button.tsx'
import { Empty, Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { PageFrame } from '#client/console/kit/panel.tsx'
import { type Tab, Tabs } from '#client/console/kit/tabs.tsx'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { CheckNow } from './check-now.tsx'
import { FactsTab } from './facts.tsx'

const TABS: readonly (Tab<DatasourceTab> & { readonly kinds: readonly DatasourceItem['kind'][] })[] = [
  { value: 'facts', label: 'Checks', kinds: ['direct', 'endpoint'] },
  { value: 'timeline', label: 'Timeline', kinds: ['direct', 'endpoint'] },
  { value: 'schema', label: 'Schema', kinds: ['direct'] },
  { value: 'diagram', label: 'Diagram', kinds: ['direct'] },
  { value: 'drift', label: 'Drift', kinds: ['direct'] },
  { value: 'feed', label: 'Feed', kinds: ['endpoint'] },
  { value: 'leases', label: 'Leases', kinds: ['direct'] },
  { value: 'settings', label: 'Settings', kinds: ['direct', 'endpoint'] },
]

/** The content of each tab; all but the first are loaded when they are opened. */
const CONTENT: Readonly<Record<DatasourceTab, ComponentType<{ datasource: DatasourceItem }>>> = {
  facts: FactsTab,
  timeline: lazy(async () => ({ default: (await import('./timeline.tsx')).Timeline })),
  schema: lazy(async () => ({ default: (await import('#client/console/schemas/schema-tab.tsx')).SchemaTab })),
  diagram: lazy(async () => ({ default: (await import('#client/console/diagram/diagram-tab.tsx')).DiagramTab })),
  drift: lazy(async () => ({ default: (await import('./drift.tsx')).DriftTab })),
  feed: lazy(async () => ({ default: (await import('#client/console/feeds/feed-tab.tsx')).FeedTab })),
  leases: lazy(async () => ({ default: (await import('./leases.tsx')).Leases })),
  settings: lazy(async () => ({ default: (await import('./settings.tsx')).SettingsTab })),
}

/** The page of one datasource. */
export function DatasourceScreen() {
  const { id } = useParams({ from: '/datasources/$id' })
  const trpc = useTRPC()
  // The server refuses an invalid id, and the page shows its message.
  const input = { id: id as DatasourceId, includeRemoved: true }
  const { data, error, refetch } = useQuery(trpc.datasources.get.queryOptions(input))
  if (data !== undefined) return <Known datasource={data} />
  return (
    <PageFrame title="Datasource" name="Datasource">
      {error === null ? <Loading rows={8} /> : <Missing error={error} onRetry={() => void refetch()} />}
    </PageFrame>
  )
}

function Missing({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  if (problemOf(error).code !== 'entity_not_found') return <ProblemNotice error={error} onRetry={onRetry} />
  return (
    <Empty
      title="Datasource not found"
      action={
        <Link to="/datasources" className={linkClass()}>
          All datasources
        </Link>
      }
    >
      It may belong to another organization.
    </Empty>
  )
}

function Known({ datasource }: { datasource: DatasourceItem }) {
  const { tab } = useSearch({ from: '/datasources/$id' })
  const navigate = useNavigate({ from: '/datasources/$id' })
  const tabs = TABS.filter(({ kinds }) => kinds.includes(datasource.kind))
  const open = tabs.find(({ value }) => value === tab)?.value ?? 'facts'
  const Open = CONTENT[open]
  return (
    <PageFrame
      name={datasource.name}
      title={datasource.name}
      about={
        <span className="subtitle">
          <StateBadge datasource={datasource} />
          <ModeTag mode={datasource.mode} />
          <code className="cut">{placeOf(datasource)}</code>
        </span>
      }
      actions={datasource.removedAt === null ? <CheckNow datasource={datasource} /> : undefined}
    >
      <Tabs
        label="About this datasource"
        tabs={tabs}
        value={open}
        onChange={to => void navigate({ search: { tab: to }, replace: true })}
      >
        <Suspense fallback={<Loading rows={10} />}>
          <Open datasource={datasource} />
        </Suspense>
      </Tabs>
    </PageFrame>
  )
}
