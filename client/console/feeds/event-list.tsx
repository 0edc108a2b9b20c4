/**
 * The newest events of a feed, each with its text as the customer sent it. The text is untrusted and shown as plain
 * text.
 */
import { duration } from '#client/console/base/format.ts'
import { CodeBlock } from '#client/console/kit/code.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { Time } from '#client/console/kit/time.tsx'
import type { RecentEvent } from '#shared/feeds/recent.ts'
import { latenessOf } from './lateness.ts'

/** The list, newest first. */
export function EventRows({ events }: { events: readonly RecentEvent[] }) {
  const title = events.length === 1 ? 'The newest event' : `The newest ${events.length} events`
  return (
    <Panel title={title} isFlush>
      <ol className="timeline">
        {events.map(event => (
          <Entry key={event.position} event={event} />
        ))}
      </ol>
    </Panel>
  )
}

function Entry({ event }: { event: RecentEvent }) {
  const { model, entityId, type, storedAtMs, text } = event
  const lateness = latenessOf(event)
  return (
    <li>
      <details className="entry">
        <summary>
          <code className="small">{type}</code>
          <span className="cut">
            {model} <code className="faint">{entityId}</code>
          </span>
          <span className="faint small number">
            <Time at={new Date(storedAtMs).toISOString()} />
            {lateness === null ? null : ` · ${duration(lateness)} after it happened`}
          </span>
        </summary>
        <CodeBlock label="As the endpoint sent it" text={text} />
      </details>
    </li>
  )
}
