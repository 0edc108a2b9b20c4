/**
 * Changes the name of a datasource; for a direct one, also
 * the schema to read and the schemas to exclude.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { Notice, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import { Panel } from '#client/console/kit/panel.tsx'

/** The form. */
export function EditForm({ datasource }: { datasource: DatasourceItem }) {
  const { id, kind } = datasource
  const [name, setName] = useState(datasource.name)
  const [schema, setSchema] = useState(datasource.kind === 'direct' ? (datasource.schema ?? '') : '')
  const [excluded, setExcluded] = useState(datasource.kind === 'direct' ? datasource.excludedSchemas.join(', ') : '')
  const trpc = useTRPC()
  const queries = useQueryClient()
  const update = useMutation(
    trpc.datasources.update.mutationOptions({
      onSuccess: changed => queries.setQueryData(trpc.datasources.get.queryKey({ id, includeRemoved: true }), changed),
    }),
  )
  const save = (event: FormEvent) => {
    event.preventDefault()
    const direct = { schema: schema === '' ? null : schema, excludedSchemas: namesIn(excluded) }
    update.mutate({ id, name: name.trim(), ...(kind === 'direct' ? direct : {}) })
  }
  return (
    <Panel title="Name and scope">
      <form className="stack" onSubmit={save}>
        <TextField label="Name" required maxLength={200} value={name} onChange={event => setName(event.target.value)} />
        {kind === 'direct' ? (
          <ScopeFields schema={schema} onSchema={setSchema} excluded={excluded} onExcluded={setExcluded} />
        ) : null}
        {update.error === null ? null : <ProblemNotice error={update.error} />}
        {update.isSuccess ? <Notice tone="good" title="Saved" /> : null}
        <div>
          <Button type="submit" isBusy={update.isPending} disabled={name.trim() === ''}>
            Save
          </Button>
        </div>
      </form>
    </Panel>
  )
}

function namesIn(text: string): string[] {
  return text
    .split(',')
    .map(one => one.trim())
    .filter(Boolean)
}

interface ScopeProps {
  readonly schema: string
  readonly onSchema: (schema: string) => void
  readonly excluded: string
  readonly onExcluded: (names: string) => void
}

function ScopeFields({ schema, onSchema, excluded, onExcluded }: ScopeProps) {
  return (
    <div className="two">
      <TextField
        label="Schema"
        maxLength={63}
        hint="Leave it empty for every schema that the role may read."
        value={schema}
        onChange={event => onSchema(event.target.value)}
      />
      <TextField
        label="Excluded schemas"
        hint="Separated by commas."
        value={excluded}
        onChange={event => onExcluded(event.target.value)}
      />
    </div>
  )
}
