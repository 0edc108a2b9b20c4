/**
 * One signed HTTPS request to a customer's endpoint: no redirect, no proxy, no decompression, and an answer bounded in
 * bytes, depth and time.
 *
 * It must never throw, redirect, retry, or return any of the stranger's text other than the body of a 200. Runs in the
 * dialling process, where a parser that hangs can be killed.
 */
import type { EndpointAnswer, EndpointRequest } from '#server/domain/feeds/endpoint.ts'
import { createDeadline } from '#server/net/socket/deadline.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import { type EndpointUrl, parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import type { Failure } from '#shared/faults/failure.ts'
import { connectEndpoint, type EndpointLink, type EndpointNet } from './endpoint-link.ts'
import { type ExchangeReply, type Posted, post } from './exchange.ts'
import { clockOffsetSeconds, refusalOf, replyText, retryAfterSeconds } from './reply.ts'
import { sign } from './signature.ts'

/** The end of one signed request in the dialling process: the body of a 200 is still text, and bounded. */
export type EndpointReply = Omit<EndpointAnswer, 'page'> & { readonly body: string | null }

/** The findings so far, from which the answer is built however the request ends. */
interface Progress extends EndpointLink {
  reply: ExchangeReply | null
  /** Our clock when the reply arrived, in Unix seconds. */
  repliedAtSeconds: number
}

/**
 * Makes the request. Returns an answer for every outcome; one with a `failure` has no body. Always closes the
 * connection. Aborting `signal`, if given, ends the request before its deadline.
 */
export async function requestEndpoint(
  request: EndpointRequest,
  net: Omit<EndpointNet, 'signal'> & Partial<EndpointNet>,
): Promise<EndpointReply> {
  const startedMs = performance.now()
  const link: EndpointLink = { socket: null, passed: null, addresses: [], tls: null }
  const progress: Progress = Object.assign(link, { reply: null, repliedAtSeconds: request.timestampSeconds })
  const deadline = createDeadline(request.deadlineMs)
  const signal = net.signal === undefined ? deadline.signal : AbortSignal.any([net.signal, deadline.signal])
  let failure: Failure | null = null
  let body: string | null = null
  try {
    body = await converse(request, { ...net, signal }, progress)
  } catch (error) {
    failure = failureOf(error, signal)
  } finally {
    deadline.stop()
    progress.socket?.destroy()
  }
  return { ...findings(progress, failure), body, failure, tookMs: Math.round(performance.now() - startedMs) }
}

/** Connects, sends the request, and validates the reply. */
async function converse(request: EndpointRequest, net: EndpointNet, progress: Progress): Promise<string> {
  const parsed = parseEndpointUrl(request.url)
  if (!parsed.ok) throw new SessionError(parsed.code === 'host_refused' ? 'host_refused' : 'endpoint_url_refused')
  const target = { url: parsed.url, caCertificate: request.caCertificate, connectTimeoutMs: request.deadlineMs }
  const startedMs = performance.now()
  const socket = await connectEndpoint(target, net, progress)
  progress.reply = await post(socket, posted(request, parsed.url), net.signal)
  progress.repliedAtSeconds += (performance.now() - startedMs) / 1_000
  const refused = refusalOf(progress.reply)
  if (refused !== null) throw new SessionError(refused)
  progress.passed = 'authenticate'
  const text = replyText(progress.reply)
  progress.passed = 'protocol'
  return text
}

function posted(request: EndpointRequest, url: EndpointUrl): Posted {
  const timestamp = String(request.timestampSeconds)
  // Signs with keys that nobody holds, so that the wrong signature is not accidentally valid for some other message.
  const keys = request.breakSignature ? request.keys.map(key => `not ${key}`) : request.keys
  return {
    host: new URL(url.href).host,
    path: url.path,
    body: Buffer.from(request.body, 'utf8'),
    maxBytes: request.maxBytes,
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'user-agent': 'Mooring',
      'webhook-id': request.messageId,
      'webhook-timestamp': timestamp,
      'webhook-signature': sign({ id: request.messageId, timestamp, body: request.body }, keys),
    },
  }
}

function findings(progress: Progress, failure: Failure | null) {
  const { passed, addresses, tls, reply, repliedAtSeconds } = progress
  return {
    status: reply?.status ?? null,
    retryAfterSeconds: reply === null || failure === null ? null : retryAfterSeconds(reply, repliedAtSeconds),
    clockOffsetSeconds: reply === null ? null : clockOffsetSeconds(reply, repliedAtSeconds),
    passed,
    addresses,
    tls,
  }
}

function failureOf(error: unknown, signal: AbortSignal): Failure {
  if (error instanceof SessionError) return error.failure
  return { code: signal.aborted ? 'connection_timeout' : 'dialler_died' }
}
