/**
 * The SQL for a role that passes the checklist, as the server writes it for each provider. The owner of the database
 * runs it; the console never does.
 */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { Choice } from '#client/console/kit/choice.tsx'
import { CodeBlock } from '#client/console/kit/code.tsx'
import { Loading, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import type { ChoiceOption } from '#client/console/kit/plain-choice.tsx'

type Provider = 'plain' | 'supabase' | 'neon' | 'rds' | 'cloudsql' | 'azure'

const PROVIDERS: readonly ChoiceOption<Provider>[] = [
  { value: 'plain', label: 'Any PostgreSQL' },
  { value: 'supabase', label: 'Supabase' },
  { value: 'neon', label: 'Neon' },
  { value: 'rds', label: 'Amazon RDS' },
  { value: 'cloudsql', label: 'Google Cloud SQL' },
  { value: 'azure', label: 'Azure' },
]

/** The panel. */
export function RoleSqlPanel() {
  const trpc = useTRPC()
  const [provider, setProvider] = useState<Provider>('plain')
  const [schema, setSchema] = useState('public')
  const isSchema = schema !== '' && new TextEncoder().encode(schema).length <= 63
  const { data, error, refetch } = useQuery(
    trpc.datasources.roleSql.queryOptions(
      { provider, schema: isSchema ? schema : 'public', readOnly: true },
      { placeholderData: keepPreviousData },
    ),
  )
  return (
    <Panel title="A role that passes" about="Run this as the owner of the database, then register with the new role.">
      <div className="stack">
        <div className="two">
          <Choice label="Provider" value={provider} options={PROVIDERS} onChange={setProvider} />
          <TextField
            label="Schema"
            value={schema}
            maxLength={63}
            mistake={isSchema ? undefined : 'A schema’s name has 1 to 63 bytes.'}
            onChange={event => setSchema(event.target.value)}
          />
        </div>
        {data !== undefined ? <CodeBlock label="SQL" text={data.sql} /> : null}
        {data === undefined && error === null ? <Loading rows={10} /> : null}
        {error === null ? null : <ProblemNotice error={error} onRetry={() => void refetch()} />}
      </div>
    </Panel>
  )
}
