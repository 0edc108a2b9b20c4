/**
 * The name of a datasource, and of a direct one the schema that it reads and those that it leaves out.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type Datasource, useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { Notice, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import { Panel } from '#client/console/kit/panel.tsx'

/** The form. */
export function EditForm({ datasource }: { datasource: Datasource }) {
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
    const excludedSchemas = excluded
      .split(',')
      .map(one => one.trim())
      .filter(Boolean)
    const direct = { schema: schema === '' ? null : schema, excludedSchemas }
    update.mutate({ id, name: name.trim(), ...(kind === 'direct' ? direct : {}) })
  }
  return (
    <Panel title="Name and scope">
      <form className="stack" onSubmit={save}>
        <TextField label="Name" required maxLength={200} value={name} onChange={event => setName(event.target.value)} />
        {kind === 'direct' ? (
          <div className="two">
            <TextField
              label="Schema"
              maxLength={63}
              hint="Empty for all that the role may read."
              value={schema}
              onChange={event => setSchema(event.target.value)}
            />
            <TextField
              label="Schemas left out"
              hint="Separated by commas."
              value={excluded}
              onChange={event => setExcluded(event.target.value)}
            />
          </div>
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
