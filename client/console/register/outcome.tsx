/**
 * The page after a registration: the verdict as it arrives, each failure with its fix, and a button that checks again
 * after a fix. The datasource comes from the cache, which the live changes keep up to date.
 */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { Advisories } from '#client/console/checks/checklist.tsx'
import { CheckNow } from '#client/console/datasource/check-now.tsx'
import { LastChecklist } from '#client/console/datasource/last-checklist.tsx'
import { RotateStringForm } from '#client/console/datasource/rotate-string-form.tsx'
import { StateBadge } from '#client/console/datasources/state.tsx'
import { Button, linkClass } from '#client/console/kit/button.tsx'
import { Loading, Notice, ProblemNotice, ProgressBar } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import type { Registered } from './registered.ts'

/** The result of a registration. */
export function Outcome({ registered, onAnother }: { registered: Registered; onAnother: () => void }) {
  const trpc = useTRPC()
  const input = { id: registered.id, includeRemoved: true }
  const { data, error, refetch } = useQuery(trpc.datasources.get.queryOptions(input))
  if (data === undefined)
    return error === null ? <Loading rows={12} /> : <ProblemNotice error={error} onRetry={() => void refetch()} />
  return (
    <>
      <Panel
        title={data.name}
        about={<StateBadge datasource={data} />}
        actions={
          <>
            {isAwaited(data) ? null : <CheckNow datasource={data} />}
            <Button onClick={onAnother}>Register another</Button>
            <Link to="/datasources/$id" params={{ id: data.id }} className={linkClass('primary')}>
              Open
            </Link>
          </>
        }
      >
        <div className="stack">
          <Headline datasource={data} />
          <LastChecklist datasource={data} />
          <Advisories advisories={[...data.advisories, ...registered.advisories.filter(one => !isKnown(data, one))]} />
        </div>
      </Panel>
      {data.kind === 'direct' && data.status === 'rejected' ? <RotateStringForm datasource={data} /> : null}
    </>
  )
}

const isAwaited = ({ status, statusReason }: DatasourceItem) => status === 'unverified' && statusReason === null

const isKnown = ({ advisories }: DatasourceItem, one: Registered['advisories'][number]) =>
  advisories.some(({ item, recommendation }) => item === one.item && recommendation === one.recommendation)

function Headline({ datasource }: { datasource: DatasourceItem }) {
  const { status, statusReason } = datasource
  if (status === 'active') return <Notice tone="good" title="It is active: every check has passed." />
  if (isAwaited(datasource)) return <ProgressBar label="A worker dials it now. This takes a few seconds." />
  return (
    <Notice
      tone={status === 'rejected' ? 'bad' : 'warn'}
      title={status === 'rejected' ? 'It was refused' : 'It could not be reached'}
    >
      <p>
        <code>{statusReason}</code>. Apply the fix of the failed line, then check again, or enter the string of the new
        role below.
      </p>
    </Notice>
  )
}
