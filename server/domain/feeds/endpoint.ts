/**
 * A signed request and its findings: plain values that pass between the worker and the dialling child.
 *
 * Facts come from a server that may be hostile. They decide about that one datasource and about nothing else.
 */
import type { Failure, Stage } from '#shared/faults/failure.ts'
import type { FeedPage } from './feed-page.ts'

/** One signed request. */
export interface EndpointRequest {
  readonly url: string
  /** One signing key, or during a rotation two, the new one first. */
  readonly keys: readonly string[]
  readonly body: string
  /** Unique for each message; a retry of the same message keeps it. */
  readonly messageId: string
  /** Our clock when the request is made, Unix seconds. */
  readonly timestampSeconds: number
  /** PEM to trust instead of Node's roots. */
  readonly caCertificate: string | null
  /** For the whole: resolve, connect, TLS, request, the last byte of the answer. */
  readonly deadlineMs: number
  /** Of the answer's body. */
  readonly maxBytes: number
  /** Sends a well-formed signature that is wrong, to see whether the endpoint checks it. */
  readonly breakSignature?: boolean
}

/** The end of one signed request. */
export interface EndpointAnswer {
  /** The status, whatever it is; null where none came. */
  readonly status: number | null
  /** How long the endpoint asks to be left alone, not bounded; null with a 200 and where it does not say. */
  readonly retryAfterSeconds: number | null
  /** Of a 200: the page that it is, bounded in bytes, depth and events. Null with a failure, and with no other. */
  readonly page: FeedPage | null
  readonly failure: Failure | null
  /** The furthest stage that was passed: `tls` when the request could be sent, `authenticate` at the head of a 200. */
  readonly passed: Stage | null
  /** Every judged address, numbers only; empty when the host was refused or not resolved. */
  readonly addresses: readonly string[]
  /** The TLS session; null for `http:`, and where none came about. */
  readonly tls: { readonly protocol: string; readonly verified: boolean } | null
  /** By how much the endpoint's clock is ahead of ours, by its `Date` header; null where it sends none. */
  readonly clockOffsetSeconds: number | null
  readonly tookMs: number
}
