/**
 * One signed request to an endpoint, bounded in time and bytes, and within the budgets of dials unless the endpoint is
 * in use. Called by the check of an endpoint and by the poll of its feed.
 */

import type { EndpointAnswer } from '#server/domain/feeds/endpoint.ts'
import { eventsRequest } from '#server/domain/feeds/feed-page.ts'
import { dialBudgets } from '#server/domain/network/dial-budget.ts'
import * as budgets from '#server/store/access/dial-budgets.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'

/** The deadline of one request, from the look-up to the last byte. */
const DEADLINE_MS = 10_000

/** The limit on one answer. A thousand events of the usual size take less than one megabyte. */
export const MAX_POLL_BYTES = 8 << 20

/** A request to send. */
export interface Question {
  readonly url: string
  /** The new key first. */
  readonly keys: readonly string[]
  readonly messageId: string
  readonly cursor: string | null
  readonly limit: number
  readonly breakSignature?: boolean
}

/** The answer and the time of the request; null if nothing was sent, for lack of a process or of budget. */
export interface EndpointAttempt {
  readonly answer: EndpointAnswer
  readonly requestedAt: Date | null
}

/** Sends a request. Never throws because of an endpoint. */
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

/** Takes from the budgets before an unaccepted endpoint is asked; false if one is exhausted. */
export async function mayAsk(
  deps: WorkerDeps,
  { url, organizationId }: { organizationId: string; url: string },
): Promise<boolean> {
  const parsed = parseEndpointUrl(url)
  // An unparsable URL is never dialled.
  if (!parsed.ok) return true
  return (await budgets.take(deps.db, dialBudgets(organizationId, parsed.url), deps.clock())) === null
}
