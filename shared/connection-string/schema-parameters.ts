/**
 * The schema that a connection string names, in the words of Prisma (`schema`), JDBC (`currentSchema`) and others (`search_path`).
 * It never goes into the dial: it is what is registered where no field says otherwise.
 */
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

const NAMES = ['schema', 'currentSchema', 'search_path'] as const
/** NAMEDATALEN − 1. */
const MAX_BYTES = 63

/** The one schema that the parameters name; null where none does, or where one of them names a list. */
export function readSchema(pairs: ReadonlyMap<string, string>): string | null {
  return named(pairs)[0]?.[1] ?? null
}

/** Refuses parameters that name two schemas; null where they agree. */
export function schemaConflict(pairs: ReadonlyMap<string, string>): Refusal | null {
  const [first, other] = named(pairs)
  const second = first === undefined ? undefined : named(pairs).find(([, schema]) => schema !== first[1])
  if (first === undefined || other === undefined || second === undefined) return null
  return refuse('parameter_value', `The parameters ${first[0]} and ${second[0]} name two schemas; give one.`)
}

/** The advice for a parameter that names no one schema, which is not what its writer expects; null for every other. */
export function adviseOnSchema(name: string, value: string): string | null {
  if (!NAMES.some(one => one === name) || oneName(value) !== null) return null
  return value === ''
    ? 'It is empty. Leave it out.'
    : 'It names several schemas, or no plain name, so that none is taken from it: give the one to be registered in the schema field.'
}

function named(pairs: ReadonlyMap<string, string>): (readonly [string, string])[] {
  return NAMES.flatMap(name => {
    const schema = oneName(pairs.get(name) ?? '')
    return schema === null ? [] : [[name, schema] as const]
  })
}

/** A list is a search path, of which nobody knows which schema is meant. */
function oneName(value: string): string | null {
  const [, quoted] = /^"((?:[^"]|"")*)"$/.exec(value) ?? []
  const name = quoted === undefined ? value : quoted.replaceAll('""', '"')
  if (name === '' || (quoted === undefined && /[,"\s]/.test(name))) return null
  const isName = !/[\p{C}\p{Zl}\p{Zp}]/u.test(name) && new TextEncoder().encode(name).length <= MAX_BYTES
  return isName ? name : null
}
