/**
 * The list of datasources, newest first, paged with the API's cursors, with its filters in the address. A verdict
 * reached anywhere updates its row (`api/live.tsx`). It is the first page after signing in.
 */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useTRPC } from '#client/console/api/trpc.ts'
import type { ListSearch } from '#client/console/base/search.ts'
import { Button, linkClass } from '#client/console/kit/button.tsx'
import { Empty, Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { PageFrame, Panel } from '#client/console/kit/panel.tsx'
import { Filters } from './filters.tsx'
import { FirstSteps } from './first-steps.tsx'
import { DatasourceTable } from './table.tsx'

const PER_PAGE = 50

/** The list of datasources. */
export function Datasources() {
  const search = useSearch({ from: '/datasources' })
  const isFiltered = Boolean(search.q ?? search.status ?? search.mode ?? search.kind)
  return (
    <PageFrame
      title="Datasources"
      name="Datasources"
      about="Every database that customers have registered, with the last result."
      actions={
        <Link to="/register" className={linkClass('primary')}>
          <Plus className="icon" aria-hidden />
          Register
        </Link>
      }
    >
      <Filters search={search} />
      <Panel isFlush>
        <Rows search={search} isFiltered={isFiltered} />
      </Panel>
    </PageFrame>
  )
}

function Rows({ search, isFiltered }: { search: ListSearch; isFiltered: boolean }) {
  const trpc = useTRPC()
  const navigate = useNavigate({ from: '/datasources' })
  const { data, error, refetch, isPlaceholderData } = useQuery(
    trpc.datasources.list.queryOptions(inputOf(search), { placeholderData: keepPreviousData }),
  )
  if (data === undefined) {
    if (error === null) return <Loading rows={10} label="Loading datasources" />
    return <ProblemNotice error={error} onRetry={() => void refetch()} />
  }
  if (data.items.length === 0) {
    if (!isFiltered && search.after === undefined) return <FirstSteps />
    return (
      <Empty
        title="Nothing matches"
        action={<Button onClick={() => void navigate({ search: {} })}>Clear the filters</Button>}
      >
        Search matches the beginning of names.
      </Empty>
    )
  }
  return (
    <>
      {error === null ? null : <ProblemNotice error={error} onRetry={() => void refetch()} />}
      <DatasourceTable rows={data.items} isStale={isPlaceholderData} />
      <Pages search={search} first={data.items[0]?.id} next={data.nextCursor} last={data.items.at(-1)?.id} />
    </>
  )
}

function inputOf({ q, after, before, ...filters }: ListSearch) {
  const given = { ...filters, namePrefix: q, cursor: after, newerThan: before }
  const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { limit: PER_PAGE, ...kept }
}

/**
 * Links to older and newer pages. When paging backwards, the server reports whether there are more rows on the newer
 * side.
 */
function Pages({
  search,
  next,
  first,
  last,
}: {
  search: ListSearch
  first: string | undefined
  last: string | undefined
  next: string | null
}) {
  const navigate = useNavigate({ from: '/datasources' })
  const { after, before, ...filters } = search
  const isBackwards = before !== undefined
  const hasNewer = isBackwards ? next !== null : after !== undefined
  const hasOlder = isBackwards || next !== null
  if (!hasNewer && !hasOlder) return null
  const go = (place: { after?: string | undefined; before?: string | undefined }) =>
    void navigate({ search: { ...filters, ...place } })
  return (
    <nav className="pages" aria-label="Pages">
      <Button disabled={!hasNewer} onClick={() => go({ before: first })}>
        Newer
      </Button>
      <Button disabled={!hasOlder} onClick={() => go({ after: last })}>
        Older
      </Button>
    </nav>
  )
}
