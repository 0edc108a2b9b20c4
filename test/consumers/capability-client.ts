/**
 * A caller's client of the capability calls, written from the public description alone: `fetch` and Zod, nothing from
 * this project. It validates each answer at run time, and stores each token before it looks at anything else, since a
 * token is shown once.
 */
import { z } from 'zod'

const Id = z.string().regex(/^cap_[0-9a-f]{32}$/)
const Time = z.iso.datetime({ offset: true })
const Kind = z.enum(['agent', 'system'])

const Scope = z.object({
  organizationId: z.string().min(1),
  syncGroups: z.array(z.string()),
  operations: z.array(z.string()).min(1),
  participantKind: Kind,
  participantId: z.string().min(1),
})

const fields = {
  object: z.literal('capability'),
  id: Id,
  capabilityId: Id,
  organizationId: z.string().min(1),
  status: z.enum(['active', 'revoked', 'expired']),
  operations: z.array(z.string()).min(1),
  syncGroups: z.array(z.string()),
  participantKind: Kind,
  participantId: z.string().min(1),
  scope: Scope,
  issuedAt: Time,
  expiresAt: Time,
  revokedAt: Time.nullable(),
  label: z.string().nullable(),
}

/** A capability as described. */
export const Read = z.object(fields)
/** A minted capability. */
export const Minted = z.object({ ...fields, token: z.string().regex(/^rk_(live|test)_[0-9A-Za-z]{36}$/) })
/** A rotated capability: `rotatedFrom.expiresAt` is when the old token stops. */
export const Rotated = Minted.extend({ rotatedFrom: z.object({ id: Id, capabilityId: Id, expiresAt: Time }) })
/** A revoked capability. */
export const Revoked = z.object({
  ...fields,
  status: z.literal('revoked'),
  deleted: z.literal(true),
  activeSessionsClosed: z.number().int().nonnegative(),
})

const Problem = z.object({ type: z.string(), code: z.string(), message: z.string(), request_id: z.string() })
const WithToken = z.object({ id: z.string(), token: z.string() })

/** A refusal of the server. */
export class Refused extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, { code, message }: z.output<typeof Problem>) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** The properties of a new capability. */
export interface MintOptions {
  readonly operations?: readonly string[]
  readonly wideScope?: boolean
  readonly syncGroups?: readonly string[]
  readonly ttlSeconds?: number
  readonly participantKind?: string
  readonly participantId?: string
  readonly label?: string
}

/** The calls, with an API key. */
export class CapabilityClient {
  /** Every token that the server returned, by its capability's id. */
  readonly tokens = new Map<string, string>()
  readonly #url: string
  readonly #key: string

  constructor({ url, key }: { url: string; key: string }) {
    this.#url = `${url}/api/v1/capabilities`
    this.#key = key
  }

  mint(options: MintOptions): Promise<z.output<typeof Minted>> {
    return this.#send('POST', '', { schema: Minted, body: options })
  }

  read(id: string): Promise<z.output<typeof Read>> {
    return this.#send('GET', `/${id}`, { schema: Read })
  }

  rotate(id: string, options: { graceSeconds?: number; ttlSeconds?: number } = {}): Promise<z.output<typeof Rotated>> {
    return this.#send('POST', `/${id}/rotate`, { schema: Rotated, body: options })
  }

  revoke(id: string): Promise<z.output<typeof Revoked>> {
    return this.#send('DELETE', `/${id}`, { schema: Revoked })
  }

  /** Exchanges the key for a short-lived token of a participant, who never sees the key. */
  async exchange(participantId: string, operations: readonly string[]): Promise<string> {
    return (await this.mint({ operations, participantId, participantKind: 'agent', ttlSeconds: 60 })).token
  }

  async #send<S extends z.ZodType>(
    method: string,
    path: string,
    request: { schema: S; body?: object },
  ): Promise<z.output<S>> {
    const headers = { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' }
    const body = request.body === undefined ? {} : { body: JSON.stringify(request.body) }
    const response = await fetch(`${this.#url}${path}`, { method, headers, ...body })
    const answer: unknown = await response.json()
    if (!response.ok) throw new Refused(response.status, Problem.parse(answer))
    const displayed = WithToken.safeParse(answer)
    if (displayed.success) this.tokens.set(displayed.data.id, displayed.data.token)
    return request.schema.parse(answer)
  }
}
