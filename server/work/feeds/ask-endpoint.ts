/**
 * One signed question to an endpoint, bounded in time and bytes, within the budgets of dials unless the endpoint is in use.
 * Called by the check of an endpoint and by the poll of its feed.
 */

import type { EndpointAnswer } from '#server/domain/feeds/endpoint.ts'
import { eventsRequest } from '#server/domain/feeds/feed-page.ts'
import { dialBudgets } from '#server/domain/network/dial-budget.ts'
import * as budgets from '#server/store/access/dial-budgets.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'

/** For one request, from the look-up to the last byte. */
const DEADLINE_MS = 10_000

/** Of one answer. A thousand events of the usual size are below one megabyte. */
export const MAX_POLL_BYTES = 8 << 20

/** A question. */
export interface Question {
  readonly url: string
  /** New first. */
  readonly keys: readonly string[]
  readonly messageId: string
  readonly cursor: string | null
  readonly limit: number
  readonly breakSignature?: boolean
}

/** How it was answered, and when it was asked; null when nothing was sent, for lack of a process or of budget. */
export interface EndpointAttempt {
  readonly answer: EndpointAnswer
  readonly requestedAt: Date | null
}

/** Asks. Never throws for what an endpoint does. */
export async function askEndpoint(deps: WorkerDeps, question: Question): Promise<EndpointAttempt> {
  const { url, keys, messageId, cursor, limit, breakSignature = false } = question
  const requestedAt = deps.clock()
  const answer = await deps.dialler.request({
    url,
    keys,
    messageId,
    breakSignature,
    body: eventsRequest(cursor, limit),
    timestampSeconds: Math.floor(requestedAt.getTime() / 1_000),
    caCertificate: null,
    deadlineMs: DEADLINE_MS,
    maxBytes: MAX_POLL_BYTES,
  })
  return { answer, requestedAt: answer.failure?.code === 'dialler_busy' ? null : requestedAt }
}

/** Takes from the budgets before an endpoint that has not been accepted yet is asked; false when one is used up. */
export async function mayAsk(deps: WorkerDeps, of: { organizationId: string; url: string }): Promise<boolean> {
  const parsed = parseEndpointUrl(of.url)
  // A URL that cannot be parsed is not dialled either.
  if (!parsed.ok) return true
  return (await budgets.take(deps.db, dialBudgets(of.organizationId, parsed.url), deps.clock())) === null
}
