/**
 * The scalar vocabulary of the wire: typed ids, timestamps, storable text.
 *
 * Every shape that crosses an edge is built from these, so that server, client and both dialects agree on the form of
 * an id. This file makes no decisions and imports only `zod`.
 */
import { z } from 'zod'

/** The prefix of each typed id. `ds_`, `ds_test_` and `dse_` all name rows of one table. */
export type IdPrefix = 'ds_' | 'ds_test_' | 'dse_' | 'key_' | 'cap_' | 'org_' | 'snap_' | 'lease_' | 'evt_'

/** A typed id: its prefix and the 32 lower-case hex digits of a UUIDv7 (RFC 9562). */
export type TypedId<P extends IdPrefix = IdPrefix> = `${P}${string}`

/** Formats a UUID as a typed id: `typedId('key_', '0190…-…')` → `key_0190…`. */
export function typedId<P extends IdPrefix>(prefix: P, uuid: string): TypedId<P> {
  return `${prefix}${uuid.replaceAll('-', '')}`
}

/** Returns the UUID inside a typed id with one of the prefixes, in its canonical form; null for any other text. */
export function uuidOf(id: string, ...prefixes: IdPrefix[]): string | null {
  let hex = ''
  for (const prefix of prefixes)
    if (id.startsWith(prefix) && id.length === prefix.length + 32) hex = id.slice(prefix.length)
  if (!/^[0-9a-f]{32}$/.test(hex)) return null
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Returns the schema of a typed id with one of the prefixes. */
export function idOf<P extends IdPrefix>(...prefixes: P[]) {
  return z
    .custom<TypedId<P>>(value => typeof value === 'string' && uuidOf(value, ...prefixes) !== null, {
      error: `an id is ${prefixes.map(prefix => `${prefix}…`).join(' or ')}, the dots being 32 hex digits`,
    })
    .meta({ type: 'string', pattern: `^(${prefixes.join('|')})[0-9a-f]{32}$` })
}

/** A point in time in ISO 8601, in UTC, with milliseconds. */
export const Timestamp = z.iso.datetime({ offset: true })

/** The mode of a row: created by an `sk_live_…` key or by an `sk_test_…` key. */
export const Mode = z.enum(['live', 'test'])
export type Mode = z.infer<typeof Mode>

/** Seconds that a caller is willing to wait for a verdict, 0 to 30. */
export const WaitSeconds = z.number().int().min(0).max(30)

/** A key under which a mutation takes effect at most once; up to 255 characters. */
export const IdempotencyKey = z.string().min(1).max(255).optional()

const PARSED = Symbol('parsed')

/**
 * Marks an input that a schema has already parsed, so that the schema accepts it without parsing it again. A dialect
 * parses its body into a procedure's input and calls that procedure in the same process; JSON cannot carry the mark.
 */
export function alreadyParsed<S extends z.ZodType>(_schema: S, input: z.output<S>): z.input<S> {
  const wrapped: unknown = { [PARSED]: input }
  return wrapped as z.input<S> // only `chosen` unwraps it
}

/**
 * Returns a schema that picks one of two schemas by looking at the value. The reported issues are then those of the
 * intended form rather than a union's "none matches". Its metadata lists the schemas as `forms` for the OpenAPI
 * document.
 */
export function chosen<A extends z.ZodType, B extends z.ZodType>(
  isSecond: (value: object) => boolean,
  first: A,
  second: B,
) {
  const forms: readonly z.ZodType[] = [first, second]
  return z
    .custom<z.input<A> | z.input<B>>()
    .transform((value, ctx): z.output<A> | z.output<B> => {
      const isObject = typeof value === 'object' && value !== null
      // Sound: only `alreadyParsed` sets the symbol, and it accepts only the output of the schema.
      if (isObject && PARSED in value) return value[PARSED] as z.output<A> | z.output<B>
      const schema = isObject && isSecond(value) ? second : first
      const parsed = schema.safeParse(value)
      if (parsed.success) return parsed.data
      for (const issue of parsed.error.issues) ctx.issues.push({ ...issue, input: undefined })
      return z.NEVER
    })
    .meta({ forms })
}
