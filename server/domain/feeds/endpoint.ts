/**
 * A signed request and its findings: plain values that pass between the worker and the dialling process.
 *
 * Facts come from a server that may be hostile. They affect only this one datasource.
 */
import type { Failure, Stage } from '#shared/faults/failure.ts'
import type { FeedPage } from './feed-page.ts'

/** One signed request. */
export interface EndpointRequest {
  readonly url: string
  /** One signing key, or two during a rotation, the new one first. */
  readonly keys: readonly string[]
  readonly body: string
  /** Unique for each message; a retry of the same message reuses it. */
  readonly messageId: string
  /** Our clock at the time of the request, in Unix seconds. */
  readonly timestampSeconds: number
  /** PEM to trust instead of Node's roots. */
  readonly caCertificate: string | null
  /** The deadline of the whole request: resolve, connect, TLS, request, the last byte of the answer. */
  readonly deadlineMs: number
  /** The limit on the answer's body. */
  readonly maxBytes: number
  /** Sends a well-formed but wrong signature, to find out whether the endpoint verifies it. */
  readonly breakSignature?: boolean
}

/** The end of one signed request. */
export interface EndpointAnswer {
  /** The status, whatever it is; null if none arrived. */
  readonly status: number | null
  /** How long the endpoint asks us to wait, not bounded; null with a 200 and if it does not say. */
  readonly retryAfterSeconds: number | null
  /** The page in a 200, bounded in bytes, depth and events. Null exactly if there is a failure. */
  readonly page: FeedPage | null
  readonly failure: Failure | null
  /** The furthest stage that passed: `tls` when the request could be sent, `authenticate` at the head of a 200. */
  readonly passed: Stage | null
  /** Every judged address, in numeric form; empty if the host was refused or not resolved. */
  readonly addresses: readonly string[]
  /** The TLS session; null for `http:`, and if none was established. */
  readonly tls: { readonly protocol: string; readonly verified: boolean } | null
  /** The offset of the endpoint's clock from ours, positive if ahead, by its `Date` header; null without one. */
  readonly clockOffsetSeconds: number | null
  readonly tookMs: number
}
