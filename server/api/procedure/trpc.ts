/**
 * tRPC's foundation: procedure bases by scope, and the error formatter. tRPC's own formatter prints the message of
 * whatever was thrown, a driver's included; this one prints the fault table's sentence and nothing else.
 */

import { initTRPC, TRPCError } from '@trpc/server'
import { ZodError } from 'zod'
import { aboutRequest } from '#server/api/caller/about-request.ts'
import { organizationMoving } from '#server/api/caller/moving.ts'
import type { Context, KnownContext } from '#server/api/context.ts'
import { recordRefusal } from '#server/api/procedure/refusals.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import { forOrganization } from '#server/store/connection/statement-scope.ts'
import { asWriter } from '#server/store/fence/organization-writer.ts'
import type { Scope } from '#shared/access/credential.ts'
import { Fault, type FaultCode, faultSpec, type Issue } from '#shared/faults/fault.ts'
import { namedFault } from '#shared/faults/named-fault.ts'
import { storeFault } from './store-fault.ts'

const CODE_OF_STATUS = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_SUPPORTED',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
  500: 'INTERNAL_SERVER_ERROR',
  502: 'BAD_GATEWAY',
  503: 'SERVICE_UNAVAILABLE',
  504: 'GATEWAY_TIMEOUT',
} as const

/** The fault behind anything that was thrown. What is not one of ours is `internal_error`, its text kept from callers. */
export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  if (!(thrown instanceof TRPCError)) return storeFault(thrown) ?? new Fault('internal_error', { cause: thrown })
  if (thrown.cause instanceof Fault) return thrown.cause
  if (thrown.cause instanceof ZodError)
    return new Fault(namedFault(thrown.cause.issues) ?? 'invalid_body', { issues: issuesOf(thrown.cause) })
  if (thrown.code === 'BAD_REQUEST' && thrown.cause instanceof SyntaxError) return new Fault('invalid_json')
  const away = storeFault(thrown.cause)
  if (away !== null) return away
  const codes: Partial<Record<TRPCError['code'], FaultCode>> = {
    PARSE_ERROR: 'invalid_json',
    BAD_REQUEST: 'invalid_request',
    NOT_FOUND: 'route_not_found',
    METHOD_NOT_SUPPORTED: 'method_not_allowed',
    PAYLOAD_TOO_LARGE: 'payload_too_large',
    UNSUPPORTED_MEDIA_TYPE: 'unsupported_media_type',
  }
  return new Fault(codes[thrown.code] ?? 'internal_error', { cause: thrown.cause ?? thrown })
}

/** True for what the operator should hear of: a mistake of ours, or our own database. */
export function isOurFailure({ code }: Fault): boolean {
  return code === 'internal_error' || code === 'service_unavailable' || code === 'outcome_unknown'
}

/** Zod's issues as paths, codes and Zod's sentences, which name limits and types and never the value. */
export function issuesOf(error: ZodError): Issue[] {
  return error.issues.flatMap((issue): Issue[] => {
    const path = issue.path.map(part => (typeof part === 'number' ? part : String(part)))
    const { code, message } = issue
    if (code !== 'unrecognized_keys') return [{ path, code: codeOf(issue), message }]
    // The name of an unknown field is the caller's text: it is repeated only when it looks like a name.
    const names = issue.keys.filter(key => /^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(key))
    const places = names.length === 0 ? [path] : names.map(name => [...path, name])
    return places.map(place => ({ path: place, code, message: 'There is no such field.' }))
  })
}

/** The schema's own name of the reason, where it has one. */
function codeOf(issue: ZodError['issues'][number]): string {
  const named: unknown = issue.code === 'custom' ? issue.params?.['code'] : undefined
  return typeof named === 'string' ? named : issue.code
}

const PING_MS = 15_000

const t = initTRPC.context<Context>().create({
  sse: { ping: { enabled: true, intervalMs: PING_MS }, client: { reconnectAfterInactivityMs: 3 * PING_MS } },
  errorFormatter({ error, ctx, shape }) {
    const fault = faultOf(error)
    const spec = faultSpec(fault.code)
    return {
      message: spec.says,
      code: shape.code,
      data: {
        code: CODE_OF_STATUS[spec.status as keyof typeof CODE_OF_STATUS], // every status of the table is a key; a test compares them
        fault: fault.code,
        httpStatus: spec.status,
        requestId: ctx?.requestId ?? null,
        retryable: fault.retryable,
        ...(fault.issues.length === 0 ? {} : { issues: fault.issues.map(shownIssue) }),
      },
    }
  },
})

/** Where and why: the refusal's own code and its sentence, as the dialects give them. Neither ever holds a value. */
function shownIssue({ path, code, message, ctx }: Issue) {
  return { path, code, message, ...(ctx === undefined ? {} : { ctx }) }
}

/** Turns what a procedure throws into the TRPCError of its fault's status, so that HTTP says the same as the body. */
const spelled = t.middleware(async ({ ctx, next, path, getRawInput }) => {
  const result = await next()
  if (result.ok) return result
  // Input that cannot be parsed names no datasource.
  throw await failureOf(ctx, { path, input: await getRawInput().catch(() => undefined) }, result.error)
})

/**
 * What was thrown, as the TRPCError of its fault's status: logged where it is a failure of ours, recorded where it is a
 * refusal. A subscription asks for it itself, since it throws long after the middleware has returned.
 */
export async function failureOf(
  ctx: Context,
  { path, input }: { readonly path: string; readonly input?: unknown },
  thrown: unknown,
): Promise<TRPCError> {
  const fault = faultOf(thrown)
  const { principal, requestId, address } = ctx
  if (isOurFailure(fault)) {
    const about = aboutRequest({ requestId, principal, named: input })
    const cause = fault.cause ?? fault
    ctx.deps.log.error({ ...about, stage: 'procedure', path, fault: fault.code, cause }, 'procedure failed')
  }
  // A dialect records what it refuses itself, bad bodies included.
  if (ctx.surface === 'trpc' && !(principal instanceof Fault)) {
    await recordRefusal(ctx.deps, { principal, action: path, fault, requestId, address })
  }
  const status = faultSpec(fault.code).status
  const code = CODE_OF_STATUS[status as keyof typeof CODE_OF_STATUS] // every status of the table is a key
  return new TRPCError({ code, message: fault.message, cause: fault })
}

/**
 * A procedure that only principals with `scope` may call; null for every principal of an organization. What it does to a
 * plane or an object, it asks itself.
 */
export function procedure(scope: Scope | null) {
  return t.procedure.use(spelled).use(({ ctx, next, type }) => {
    const { principal } = ctx
    if (principal instanceof Fault) throw principal
    if (scope !== null) requireScope(principal, scope)
    const known: KnownContext = { ...ctx, principal }
    const { organizationId } = principal
    const run = () => forOrganization(organizationId, () => next({ ctx: known }))
    if (type !== 'mutation') return run()
    // A call that is admitted here is checked again under its organization's lock when it writes.
    if (principal.move !== undefined) throw organizationMoving()
    return asWriter({ organizationId, phase: 'begins' }, run)
  })
}

/** A procedure that asks for no key: it decides by itself whom it answers. There is one, `local.signIn`. */
export const openProcedure = t.procedure.use(spelled)

/** Composes procedures. */
export const router = t.router
/** Makes callers of a router. */
export const createCallerFactory = t.createCallerFactory
