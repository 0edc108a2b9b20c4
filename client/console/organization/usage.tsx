/**
 * The organization's usage and quotas, and
 * the rate limits of its keys.
 */
import { useQuery } from '@tanstack/react-query'
import { useTRPC } from '#client/console/api/trpc.ts'
import { count, duration } from '#client/console/base/format.ts'
import { Copied } from '#client/console/kit/code.tsx'
import { Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Facts, Panel } from '#client/console/kit/panel.tsx'

const POLICIES: Readonly<Record<string, string>> = {
  strict: 'refused, along with everything that is otherwise an advisory',
  enforce: 'refused',
  warn: 'accepted, with a warning',
  off: 'taken',
}

/** The tab for usage. */
export function UsageTab() {
  const trpc = useTRPC()
  const current = useQuery(trpc.organization.current.queryOptions())
  const { data, error, refetch } = useQuery(trpc.organization.usage.queryOptions())
  if (data === undefined)
    return error === null ? <Loading rows={6} /> : <ProblemNotice error={error} onRetry={() => void refetch()} />
  const { datasources, keys, capabilities, rates, checkIntervalSeconds, rolePolicy } = data
  const perWindow = (calls: number) => `${count(calls)} calls in ${rates.windowSeconds} s`
  return (
    <>
      <Panel title="Usage">
        <div className="shares">
          <Share name="Datasources" {...datasources} />
          <Share name="API keys" {...keys} />
          <Share name="Capabilities" {...capabilities} />
        </div>
      </Panel>
      <Panel title="Limits">
        <Facts
          facts={{
            'Each key': perWindow(rates.perKey),
            'The organization': perWindow(rates.perOrganization),
            'Between two checks': duration(checkIntervalSeconds * 1_000),
            'A role with too many rights': POLICIES[rolePolicy] ?? rolePolicy,
            'Id of the organization':
              current.data === undefined ? null : <Copied text={current.data.organization.id} label="Copy the id" />,
          }}
        />
      </Panel>
    </>
  )
}

function Share({ name, used, max }: { name: string; used: number; max: number }) {
  return (
    <div className="share">
      <p className="share-name">
        <span>{name}</span>
        <span className="number">
          <span className="strong">{count(used)}</span> <span className="faint">of {count(max)}</span>
        </span>
      </p>
      <meter
        className="meter"
        aria-label={`${name}: ${used} of ${max}`}
        min={0}
        max={max}
        high={max * 0.9}
        value={used}
      />
    </div>
  )
}
