/**
 * The tRPC foundation: procedures by scope, and the error formatter. tRPC's own formatter prints the message of any
 * thrown error, including a driver's; this one prints only the fault table's sentence.
 */
import { initTRPC, TRPCError } from '@trpc/server'
import type { z } from 'zod'
import { aboutRequest } from '#server/api/caller/about-request.ts'
import { organizationMoving } from '#server/api/caller/moving.ts'
import type { Context, KnownContext } from '#server/api/context.ts'
import { recordRefusal } from '#server/api/procedure/refusals.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import { forOrganization } from '#server/store/connection/statement.ts'
import { asWriter } from '#server/store/fence/organization-writer.ts'
import type { Scope } from '#shared/access/credential.ts'
import { Fault, faultSpec, type Issue } from '#shared/faults/fault.ts'
import { inputFault, isOurFailure, toFault } from './fault-of.ts'
import { isPresented } from './presented.ts'

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

const PING_MS = 15_000

const t = initTRPC.context<Context>().create({
  sse: { ping: { enabled: true, intervalMs: PING_MS }, client: { reconnectAfterInactivityMs: 3 * PING_MS } },
  errorFormatter({ error, ctx, shape }) {
    const fault = toFault(error)
    const spec = faultSpec(fault.code)
    return {
      message: spec.message,
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

/** An issue: its path, code and sentence, as in the dialects. Neither code nor sentence ever contains a value. */
function shownIssue({ path, code, message, ctx }: Issue) {
  return { path, code, message, ...(ctx === undefined ? {} : { ctx }) }
}

/**
 * A thrown error as the TRPCError with its fault's status: logged if it is our own failure, recorded if it is a
 * refusal. A subscription calls this itself, since it throws long after the middleware has returned.
 */
export async function failureOf(
  ctx: Context,
  { path, input }: { readonly path: string; readonly input?: unknown },
  thrown: unknown,
): Promise<TRPCError> {
  const fault = toFault(thrown)
  const { principal, requestId, address } = ctx
  if (isOurFailure(fault)) {
    const about = aboutRequest({ requestId, principal, named: input })
    const cause = fault.cause ?? fault
    ctx.deps.log.error({ ...about, stage: 'procedure', path, fault: fault.code, cause }, 'procedure failed')
  }
  // A dialect records its own refusals, including those of invalid bodies.
  if (ctx.surface === 'trpc' && !(principal instanceof Fault)) {
    await recordRefusal(ctx, { principal, action: path, fault, requestId, address })
  }
  const status = faultSpec(fault.code).status
  const code = CODE_OF_STATUS[status as keyof typeof CODE_OF_STATUS] // every status of the table is a key
  return new TRPCError({ code, message: fault.message, cause: fault })
}

/** The definition of a procedure: the required scope, the input, and the work. */
interface Operation {
  /** Null for every principal of an organization; `anybody` for a procedure that authorizes its callers itself. */
  readonly scope: Scope | null | 'anybody'
  readonly type: 'query' | 'mutation' | 'subscription'
  readonly input: z.ZodType | null
  /** The schema that parses its answer, and orders its fields: a stored answer is replayed byte for byte. */
  readonly output: z.ZodType | null
  run(call: { ctx: KnownContext; input: unknown; path: string; signal: AbortSignal | undefined }): unknown
}
/** One call of a procedure. */
interface Called {
  readonly path: string
  /** Its input, not parsed yet. */
  readonly input: () => unknown
  readonly signal?: AbortSignal | undefined
}

/**
 * Performs a procedure for any surface: the only place that requires its scope and refuses changes to a moving
 * organization. It throws the TRPCError with the fault's status, so that the HTTP status agrees with the body.
 */
async function perform(operation: Operation, ctx: Context, called: Called): Promise<unknown> {
  try {
    return await admitted(operation, ctx, called)
  } catch (thrown) {
    throw await failureOf(ctx, { path: called.path, input: await inputOf(called) }, thrown)
  }
}

/** Unreadable input names no datasource. */
async function inputOf({ input }: Called): Promise<unknown> {
  return Promise.resolve()
    .then(input)
    .catch(() => undefined)
}

async function admitted({ scope, type, input: schema, output, run }: Operation, given: Context, called: Called) {
  const ctx = given as KnownContext // the check below ensures it, except for `anybody`
  const { path, signal } = called
  const work = async () => {
    const raw = await called.input()
    const answer = await run({ ctx, input: schema === null ? undefined : parsed(schema, raw), path, signal })
    return output === null ? answer : output.parse(answer)
  }
  if (scope === 'anybody') return work()
  if (given.principal instanceof Fault) throw given.principal
  if (scope !== null) requireScope(ctx.principal, scope)
  const { organizationId, move } = ctx.principal
  // A call admitted here is checked again under its organization's lock when it writes.
  if (type === 'mutation' && move !== undefined) throw organizationMoving()
  if (type !== 'mutation') return forOrganization(organizationId, work)
  return asWriter({ organizationId, phase: 'begins' }, () => forOrganization(organizationId, work))
}

/** Parses input. Throws `invalid_body`, or the fault that the schema names, with every issue. */
function parsed(schema: z.ZodType, given: unknown): unknown {
  const { success, data, error } = schema.safeParse(given)
  if (success) return data
  throw inputFault(error, given)
}

/** The property under which a procedure stores its operation, for callers in this process. */
const OPERATION = Symbol('operation')

/**
 * Builds a procedure like the library's own builder, but without its chain of middlewares, each of which copies the
 * context: the library only calls `perform`.
 */
class ProcedureBuilder {
  readonly #of: Pick<Operation, 'scope' | 'input' | 'output'>

  constructor(definition: Pick<Operation, 'scope' | 'input' | 'output'>) {
    this.#of = definition
  }

  input(input: z.ZodType) {
    return new ProcedureBuilder({ ...this.#of, input })
  }

  output(output: z.ZodType) {
    return new ProcedureBuilder({ ...this.#of, output })
  }

  query(run: Operation['run']) {
    return this.#made('query', run)
  }

  mutation(run: Operation['run']) {
    return this.#made('mutation', run)
  }

  subscription(run: Operation['run']) {
    return this.#made('subscription', run)
  }

  #made(type: Operation['type'], run: Operation['run']): object {
    const { output } = this.#of
    const isParsed = output !== null && (type === 'mutation' || (type === 'query' && !isPresented(output)))
    const operation: Operation = { ...this.#of, output: isParsed ? output : null, type, run }
    const called: Calling = ({ ctx, path, signal, ...rest }) => {
      const input = Reflect.get(rest, 'getRawInput') as () => Promise<unknown> // passed to every resolver
      return perform(operation, ctx, { path, input, signal }) as Promise<never> // typed by `procedure`
    }
    const made = madeAs[type](called)
    // Code that walks the router finds the schemas where the library stores them.
    Object.assign(made._def, { inputs: operation.input === null ? [] : [operation.input], output })
    return Object.assign(made, { [OPERATION]: operation })
  }
}

type Calling = (call: { ctx: Context; path: string; signal: AbortSignal | undefined }) => Promise<never>

const madeAs = {
  query: (called: Calling) => t.procedure.query(called),
  mutation: (called: Calling) => t.procedure.mutation(called),
  subscription: (called: Calling) => t.procedure.subscription(called),
}

const known = t.procedure.use(({ ctx, next }) => next({ ctx: ctx as KnownContext })) // only for its type

/**
 * A procedure that only principals with `scope` may call; null for every principal of an organization. The procedure
 * itself checks modes and objects. Its input and its output are parsed.
 */
export function procedure(scope: Scope | null): typeof known {
  const builder: unknown = new ProcedureBuilder({ scope, input: null, output: null })
  return builder as typeof known // it has the methods that procedures here use
}

/** Creates callers of a router in this process: its groups, with the procedures as methods. */
export function callers<C>(router: { readonly _def: { readonly procedures: object } }): (ctx: Context) => C {
  const groups = new Map<string, Record<string, (this: { ctx: Context }, input?: unknown) => Promise<unknown>>>()
  for (const [path, made] of Object.entries(router._def.procedures)) {
    const operation = Reflect.get(made, OPERATION) as Operation | undefined // no other code has the symbol
    const [group = '', name = ''] = path.split('.')
    const methods = groups.get(group) ?? {}
    groups.set(group, methods)
    if (operation !== undefined)
      methods[name] = function call(input) {
        return perform(operation, this.ctx, { path, input: () => input })
      }
  }
  // Groups are made when they are used: a request calls one procedure.
  const prototype = {}
  for (const [group, methods] of groups)
    Object.defineProperty(prototype, group, {
      get(this: { ctx: Context }) {
        return Object.assign(Object.create(methods), { ctx: this.ctx })
      },
    })
  return ctx => Object.assign(Object.create(prototype), { ctx }) as C // the router's own types describe its content
}

/** A procedure that requires no key: it authorizes its callers itself. The only one is `local.signIn`. */
export const openProcedure = unasked()

function unasked(): typeof t.procedure {
  const builder: unknown = new ProcedureBuilder({ scope: 'anybody', input: null, output: null })
  return builder as typeof t.procedure // as above
}

/** Combines procedures into a router. */
export const router = t.router
