/**
 * What is there while an answer is awaited, when it failed, and when it came. An answer that failed to come anew stays where it is, below
 * the failure.
 */
import type { ReactNode } from 'react'
import { Loading, ProblemNotice } from './feedback.tsx'

interface AwaitedProps<T> {
  readonly of: { readonly data: T | undefined; readonly error: unknown; readonly refetch: () => unknown }
  /** How many lines are kept free for it. */
  readonly rows: number
  readonly label?: string
  readonly children: (data: T) => ReactNode
}

/** The answer of a query, or what stands for it. */
export function Awaited<T>({ of: { data, error, refetch }, rows, label = 'Loading', children }: AwaitedProps<T>) {
  return (
    <>
      {error === null ? null : <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null ? <Loading rows={rows} label={label} /> : null}
      {data === undefined ? null : children(data)}
    </>
  )
}
