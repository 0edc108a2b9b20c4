/**
 * Finds inputs that a caller may make as large as the whole body: texts, lists and records without a bound in the
 * inputs of procedures, and in the bodies and queries of the dialects.
 */
import { z } from 'zod'
import { appRouter } from '#server/api/router.ts'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'

interface Node {
  readonly [key: string]: unknown
}

/** Every unbounded place, as `input <procedure or route> <path of the field>`. */
export function unboundedInputs(): string[] {
  const procedures = Object.entries(appRouter._def.procedures).flatMap(([name, procedure]) =>
    inputsOf(procedure).flatMap(schema => unbounded(schema, `input ${name}`)),
  )
  const routes = [...connectionsDialect.routes, ...datasourcesDialect('').routes].flatMap(route => {
    const name = `input ${route.method.toUpperCase()} ${route.path}`
    const schemas = [route.body?.schema, route.query].filter(schema => schema !== undefined)
    return schemas.flatMap(schema => unbounded(schema, name))
  })
  // The document has every route of the datasources dialect twice.
  return [...new Set([...procedures, ...routes])].filter(name => !/ \/api\/v1\/(datasources|capabilities)/.test(name))
}

function inputsOf(procedure: object): z.ZodType[] {
  const inputs: unknown = Reflect.get(Object(Reflect.get(procedure, '_def')), 'inputs')
  return Array.isArray(inputs) ? inputs : []
}

function unbounded(schema: z.ZodType, name: string): string[] {
  // A choice among forms has them in its metadata alone.
  const forms = schema.meta()?.['forms']
  if (Array.isArray(forms)) return forms.flatMap(form => unbounded(form, name))
  const root: Node = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' })
  return walk(root, { at: [], definitions: Object(root['$defs']) }).map(field => `${name} ${field}`.trim())
}

interface Place {
  readonly at: readonly string[]
  readonly definitions: Node
}

/** The paths below a node of JSON Schema that have no bound. */
function walk(node: Node, place: Place): string[] {
  const here = place.at.join('.')
  const below = (name: string): Place => ({ ...place, at: [...place.at, name] })
  const reference = node['$ref']
  if (typeof reference === 'string') return walk(Object(place.definitions[reference.replace('#/$defs/', '')]), place)
  const among = [node['anyOf'], node['oneOf'], node['allOf']].find(Array.isArray)
  if (among !== undefined) return among.flatMap((one: Node) => walk(one, place))
  if (Array.isArray(node['type'])) return node['type'].flatMap(type => walk({ ...node, type }, place))
  if (node['type'] === 'string') return isShort(node) ? [] : [here]
  if (node['type'] === 'array')
    return [...('maxItems' in node ? [] : [here]), ...walk(Object(node['items']), below('[]'))]
  if (node['type'] === 'object') {
    const more = node['additionalProperties']
    // Unknown properties of an object are dropped; an object without known ones is kept as it is.
    const takesMore = more === undefined ? !('properties' in node) : more !== false
    const isOpen = takesMore && !('maxProperties' in node)
    const fields = Object.entries(Object(node['properties']))
    return [...(isOpen ? [here] : []), ...fields.flatMap(([name, field]) => walk(Object(field), below(name)))]
  }
  const isScalar = ['number', 'integer', 'boolean', 'null'].includes(String(node['type']))
  return isScalar || 'const' in node || 'enum' in node || 'not' in node ? [] : [here]
}

/** Bounded by a length, by its alternatives, or by a form of fixed length. */
function isShort(node: Node): boolean {
  if ('maxLength' in node || 'enum' in node || 'const' in node) return true
  if (['uuid', 'date-time'].includes(String(node['format']))) return true
  // A pattern without an open repetition has a fixed length.
  const pattern = node['pattern']
  return typeof pattern === 'string' && !/[*+]|\{\d+,\}/.test(pattern.replaceAll(/\\.|\[[^\]]*\]/g, 'x'))
}
