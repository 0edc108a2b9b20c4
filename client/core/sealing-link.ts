/**
 * The tRPC link that seals. It comes before the links that send, so every way of calling passes through it (procedures,
 * destructured or not, the untyped client, TanStack Query's options). No later link sees a connection string in clear;
 * an earlier one, such as a logger, does.
 */
import { type Operation, TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable, observableToPromise, type Unsubscribable } from '@trpc/server/observable'
import type { AppRouter } from '#server/api/router.ts'
import type { SealingKey } from '#shared/access/sealing.ts'
import { refused, sealConnectionString } from './seal.ts'
import { Boxes, KeptKey } from './sealing-kept.ts'
import { readySodium } from './sodium.ts'

type Next = Parameters<ReturnType<TRPCLink<AppRouter>>>[0]['next']
type Input = Readonly<Record<string, unknown>>

/**
 * A link that replaces every `connectionString`, with its `caCertificate`, by a box for the organization's key. No two
 * boxes are alike, so it keeps the last 1,000 that were sent with an `idempotencyKey`: a retry sends the same box. A
 * retry from another process or through another link has a different box and is refused with `idempotency_conflict`. A
 * call whose string cannot be sealed fails with `invalid_body`, and none of it is sent.
 */
export function sealingLink(): TRPCLink<AppRouter> {
  return () => {
    const state = { boxes: new Boxes(), key: new KeptKey() }
    return ({ op, next }) => {
      const input = op.type === 'subscription' ? null : inputAsSent(op.input)
      if (input === null || !mayHoldString(input)) return next(op)
      return observable(observer => {
        let sent: Unsubscribable | null = null
        let isOver = false
        const fail = (cause: unknown) => observer.error(TRPCClientError.from(Object(cause)))
        new Request({ op, next, input }, state).sealed().then(({ sealedInput, onRefusal }) => {
          if (isOver) return
          sent = next({ ...op, input: sealedInput }).subscribe({
            next: value => observer.next(value),
            error: error => {
              onRefusal(error)
              observer.error(error)
            },
            complete: () => observer.complete(),
          })
        }, fail)
        return () => {
          isOver = true
          sent?.unsubscribe()
        }
      })
    }
  }
}

/**
 * Returns the input as JSON would serialize it: an object with a `toJSON`, or a URL in place of a string, is inspected
 * in the form in which it would be sent. Null for anything that is not an object or cannot be sent.
 */
function inputAsSent(input: unknown): Input | null {
  if (typeof input !== 'object' || input === null) return null
  try {
    const sent: unknown = JSON.parse(JSON.stringify(input))
    return typeof sent === 'object' && sent !== null ? Object.fromEntries(Object.entries(sent)) : null
  } catch {
    // The sending link reports this error and sends nothing.
    return null
  }
}

const STRING = /^connection_?string$/i

function mayHoldString(input: Input): boolean {
  return Object.keys(input).some(name => STRING.test(name) || name === 'sealedConnectionString')
}

interface State {
  readonly boxes: Boxes
  readonly key: KeptKey
}

interface Call {
  readonly op: Operation
  readonly next: Next
  readonly input: Input
}

/** One operation in progress. */
class Request {
  readonly #call: Call
  readonly #state: State

  constructor(call: Call, state: State) {
    this.#call = call
    this.#state = state
  }

  /** Returns the input with a box in place of the string, and a callback for a refusal. */
  async sealed(): Promise<{ sealedInput: Input; onRefusal: (error: unknown) => void }> {
    const { connectionString, caCertificate, ...rest } = this.#call.input
    requireNoStray(rest)
    if (connectionString === undefined) return { sealedInput: this.#call.input, onRefusal: () => undefined }
    if (typeof connectionString !== 'string') throw wrongType('connectionString', 'a string')
    if (caCertificate !== undefined && caCertificate !== null && typeof caCertificate !== 'string')
      throw wrongType('caCertificate', 'a string of PEM, or null')
    const make = async () => sealConnectionString(connectionString, await this.#key(), caCertificate)
    const { idempotencyKey } = rest
    const request =
      typeof idempotencyKey === 'string'
        ? await digestOf([this.#call.op.path, idempotencyKey, connectionString, caCertificate])
        : null
    const box = await (request === null ? make() : this.#state.boxes.of(request, make))
    return {
      sealedInput: { ...rest, ...box },
      onRefusal: error => {
        // The box is for a key that has been replaced; if it were kept, it would always be refused.
        if (!isKeyRefused(error)) return
        this.#state.key.forget()
        if (request !== null) this.#state.boxes.forget(request)
      },
    }
  }

  #key(): Promise<SealingKey> {
    const { op, next } = this.#call
    const asked: Operation = {
      id: op.id,
      type: 'query',
      path: 'organization.sealingKey',
      input: {},
      context: {},
      signal: null,
    }
    return this.#state.key.of(async () => {
      const { result } = await observableToPromise(next(asked))
      // Sound: the router's schema guarantees it.
      return Reflect.get(result, 'data') as SealingKey
    })
  }
}

/** Refuses a string under an unknown field name or in place of a box, because it would be sent in clear. */
function requireNoStray(rest: Input): void {
  const stray = Object.keys(rest).find(name => STRING.test(name))
  if (stray !== undefined)
    throw refused(stray, { code: 'unrecognized_keys', message: 'The field is connectionString.' })
  const { sealedConnectionString: box } = rest
  if (box !== undefined && (typeof box !== 'string' || !/^[\w+/=-]*$/.test(box)))
    throw wrongType('sealedConnectionString', 'base64')
}

function wrongType(field: string, must: string): Error {
  return refused(field, { code: 'invalid_type', message: `${field} must be ${must}.` })
}

/** Returns the identity of a request as a digest, so that the connection string is held only while it is being sent. */
async function digestOf(parts: readonly (string | null | undefined)[]): Promise<string> {
  const sodium = await readySodium()
  // An absent certificate and null make two different requests.
  const text = JSON.stringify(parts.map(part => (part === undefined ? [] : part)))
  return sodium.crypto_generichash(sodium.crypto_generichash_BYTES, text, null, 'hex')
}

function isKeyRefused(error: unknown): boolean {
  if (!(error instanceof TRPCClientError)) return false
  const issues: unknown = Reflect.get(Object(error.data), 'issues')
  return Array.isArray(issues) && issues.some(issue => Reflect.get(Object(issue), 'code') === 'unknown_key')
}
