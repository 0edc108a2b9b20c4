/**
 * A signed request as it passes between the worker and the dialling process: the body of a good answer travels as bytes ahead
 * of the answer, since as JSON within JSON every quote of it would be escaped, and read, once more.
 *
 * `requestFromChild` runs in the dialling process; the other half in the worker, called by the dialler.
 */
import type { EndpointAnswer, EndpointRequest } from '#server/domain/endpoint.ts'
import type { FailureCode } from '#shared/failure.ts'
import type { DialContext } from './dial-context.ts'
import { requestEndpoint } from './endpoint.ts'

/** Makes the request and sends the body of its answer ahead. */
export async function requestFromChild(request: EndpointRequest, context: DialContext): Promise<EndpointAnswer> {
  const { policy, resolver, roots } = context
  const answer = await requestEndpoint(request, { policy, resolver, ...(roots === undefined ? {} : { roots }) })
  if (answer.body === null) return answer
  await context.send(Buffer.from(answer.body, 'utf8'))
  return { ...answer, body: null }
}

/** The answer with the body that came ahead of it: every answer without a failure has one. */
export function withBody(answer: EndpointAnswer, pieces: readonly Buffer[]): EndpointAnswer {
  return answer.failure === null ? { ...answer, body: Buffer.concat(pieces).toString('utf8') } : answer
}

/** The answer where there is none: nothing is known but that it took too long or too much. */
export function noAnswer(code: FailureCode, tookMs: number): EndpointAnswer {
  return {
    status: null,
    retryAfterSeconds: null,
    body: null,
    failure: { code },
    passed: null,
    addresses: [],
    tls: null,
    clockOffsetSeconds: null,
    tookMs: Math.round(tookMs),
  }
}
