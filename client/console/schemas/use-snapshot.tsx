/**
 * The content of a snapshot: the whole, or one schema of it where the whole is larger than an answer may be. A snapshot never changes,
 * so that it is asked for once.
 */
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { problemOf } from '#client/console/base/problem.ts'
import { Button } from '#client/console/kit/button.tsx'
import { Notice } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import type { Snapshot } from '#shared/schemas/snapshot.ts'

/** A snapshot, while it is loaded and when it is there. */
export interface LoadedSnapshot {
  readonly snapshot: Snapshot | null
  readonly error: unknown
  readonly isTooLarge: boolean
  readonly retry: () => void
  readonly showSchema: (schema: string) => void
}

const FOREVER = Number.POSITIVE_INFINITY

/** Loads it. */
export function useSnapshot(snapshotId: `snap_${string}`): LoadedSnapshot {
  const trpc = useTRPC()
  const [schema, setSchema] = useState<string | null>(null)
  const input = { snapshotId, ...(schema === null ? {} : { schema }) }
  const { data, error, refetch } = useQuery(trpc.snapshots.get.queryOptions(input, { staleTime: FOREVER }))
  return {
    snapshot: data?.content ?? null,
    error,
    isTooLarge: error !== null && problemOf(error).code === 'response_too_large',
    retry: () => void refetch(),
    showSchema: setSchema,
  }
}

/** Asks which schema is to be shown, of one that cannot be shown whole. */
export function LargeSchema({ onShow }: { onShow: (schema: string) => void }) {
  const [schema, setSchema] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (schema !== '') onShow(schema)
  }
  return (
    <form className="stack large-schema" onSubmit={submit}>
      <Notice tone="warn" title="This is more than one answer may hold">
        Name a schema, and it is shown by itself.
      </Notice>
      <TextField label="Schema" maxLength={63} value={schema} onChange={event => setSchema(event.target.value)} />
      <div>
        <Button type="submit" weight="primary" disabled={schema === ''}>
          Show it
        </Button>
      </div>
    </form>
  )
}
