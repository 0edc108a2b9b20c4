/**
 * The list before anything is registered: an explanation of what will appear here, and how to begin. Shown only if no
 * filter is set.
 */
import { Link } from '@tanstack/react-router'
import { linkClass } from '#client/console/kit/button.tsx'
import { CodeBlock } from '#client/console/kit/code.tsx'
import { Empty } from '#client/console/kit/feedback.tsx'

const CALL = `import { createClient } from 'mooring-client'

const mooring = createClient({ url, key })
await mooring.datasources.register.mutate({ connectionString, waitSeconds: 10 })`

/** The first steps. */
export function FirstSteps() {
  return (
    <Empty
      title="No datasources yet"
      action={
        <div className="stack first-steps">
          <Link to="/register" className={linkClass('primary')}>
            Register a database
          </Link>
          <CodeBlock label="Or from your own code" text={CALL} />
        </div>
      }
    >
      <p>A connection string is sealed before it leaves, checked by a worker, and watched from then on.</p>
    </Empty>
  )
}
