/**
 * The content of a snapshot: the whole, or one schema of it if the whole exceeds the size of an answer. A snapshot
 * never changes, so it is requested once.
 */
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { problemOf } from '#client/console/base/problem.ts'
import { Button } from '#client/console/kit/button.tsx'
import { Notice } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import type { Snapshot } from '#shared/schemas/snapshot.ts'

/** A snapshot, while it loads and once it is there. */
export interface LoadedSnapshot {
  readonly snapshot: Snapshot | null
  readonly error: unknown
  readonly isTooLarge: boolean
  readonly retry: () => void
  readonly showSchema: (schema: string) => void
}

const FOREVER = Number.POSITIVE_INFINITY

/** Loads a snapshot. */
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

/** Asks which schema to show if the snapshot is too large to show whole. */
export function LargeSchema({ onShow }: { onShow: (schema: string) => void }) {
  const [schema, setSchema] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (schema !== '') onShow(schema)
  }
  return (
    <form className="stack large-schema" onSubmit={submit}>
      <Notice tone="warn" title="The snapshot is too large for one answer">
        Name one of its schemas to show it alone.
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
