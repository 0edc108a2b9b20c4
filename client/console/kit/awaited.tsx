/**
 * Shows an answer while it is pending, after it has failed, and once it has arrived. If a later request fails, the
 * previous answer stays below the failure.
 */
import type { ReactNode } from 'react'
import { Loading, ProblemNotice } from './feedback.tsx'

interface AwaitedProps<T> {
  readonly query: { readonly data: T | undefined; readonly error: unknown; readonly refetch: () => unknown }
  /** The number of lines reserved for the answer. */
  readonly rows: number
  readonly label?: string
  readonly children: (data: T) => ReactNode
}

/** Shows the answer of a query, or a placeholder for it. */
export function Awaited<T>({ query: { data, error, refetch }, rows, label = 'Loading', children }: AwaitedProps<T>) {
  return (
    <>
      {error === null ? null : <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null ? <Loading rows={rows} label={label} /> : null}
      {data === undefined ? null : children(data)}
    </>
  )
}
