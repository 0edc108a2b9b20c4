/**
 * The schema that a connection string names, in the parameter of Prisma (`schema`), JDBC (`currentSchema`) or others
 * (`search_path`). It does not affect the dial: it is registered if no field names a schema.
 */
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

const NAMES = ['schema', 'currentSchema', 'search_path'] as const
/** NAMEDATALEN − 1. */
const MAX_BYTES = 63

/** Returns the schema that the parameters name; null if none names one, or if one of them lists several. */
export function readSchema(pairs: ReadonlyMap<string, string>): string | null {
  return named(pairs)[0]?.[1] ?? null
}

/** Refuses parameters that name two different schemas; null if they agree. */
export function schemaConflict(pairs: ReadonlyMap<string, string>): Refusal | null {
  const [first, other] = named(pairs)
  const second = first === undefined ? undefined : named(pairs).find(([, schema]) => schema !== first[1])
  if (first === undefined || other === undefined || second === undefined) return null
  return refuse('parameter_value', `The parameters ${first[0]} and ${second[0]} name two schemas; give one.`)
}

/**
 * Returns the advisory for a schema parameter that does not name exactly one schema; null for every other parameter.
 */
export function adviseOnSchema(name: string, value: string): string | null {
  if (!NAMES.some(one => one === name) || oneName(value) !== null) return null
  return value === ''
    ? 'It is empty. Leave it out.'
    : 'It does not name exactly one schema, so it is ignored: give the schema to register in the schema field.'
}

function named(pairs: ReadonlyMap<string, string>): (readonly [string, string])[] {
  return NAMES.flatMap(name => {
    const schema = oneName(pairs.get(name) ?? '')
    return schema === null ? [] : [[name, schema] as const]
  })
}

/** Returns the name if the value is a single name. A list is a search path and does not say which schema is meant. */
function oneName(value: string): string | null {
  const [, quoted] = /^"((?:[^"]|"")*)"$/.exec(value) ?? []
  const name = quoted === undefined ? value : quoted.replaceAll('""', '"')
  if (name === '' || (quoted === undefined && /[,"\s]/.test(name))) return null
  const isName = !/[\p{C}\p{Zl}\p{Zp}]/u.test(name) && new TextEncoder().encode(name).length <= MAX_BYTES
  return isName ? name : null
}
