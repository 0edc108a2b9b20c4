/**
 * Renders JSON Schema as HTML for the reference: a value's type in a few words, and an object's fields as a list. Names
 * of schemas are links. Called by `reference.ts`.
 */
import { escaped, inline, paragraphs } from './page.ts'

/** The part of JSON Schema that the document uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
}

/** Fields below this level are folded. */
const OPEN_LEVELS = 1

/** The type of a value, on one line. */
export function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return link(schema.$ref)
  if (schema.const !== undefined) return literal(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ')
  const forms = schema.anyOf ?? schema.oneOf
  if (forms !== undefined) return [...new Set(forms.map(typeOf))].join(' | ')
  if (schema.allOf !== undefined) return schema.allOf.map(typeOf).join(' and ')
  if (schema.type === 'array')
    return `array of ${schema.items === undefined ? 'anything' : typeOf(schema.items)}${bounds(schema)}`
  const { additionalProperties: values } = schema
  if (schema.type === 'object' && typeof values === 'object') return `object of ${typeOf(values)}`
  return `${[schema.type ?? 'anything'].flat().join(' | ')}${bounds(schema)}`
}

/** A schema's description, its type, and its fields. */
export function schemaHtml(schema: Schema, level = 0): string {
  const head = schema.properties === undefined ? `<p class="of">${typeOf(schema)}</p>` : ''
  return `${paragraphs(schema.description)}${head}${fields(schema, level)}`
}

function fields(schema: Schema, level: number): string {
  const { properties, required = [] } = schema
  const inner = nested(schema)
  if (properties === undefined) return inner.map(one => fold(one, level)).join('')
  const rows = Object.entries(properties).map(([name, property]) => {
    const must = required.includes(name) ? ', required' : ''
    const standard = property.default === undefined ? '' : `, default ${literal(property.default)}`
    const below = property.properties === undefined ? nested(property) : [property]
    return `<dt><code>${escaped(name)}</code> <span class="of">${typeOf(property)}${must}${standard}</span></dt>
<dd>${inline(property.description ?? '')}${below.map(one => fold(one, level + 1)).join('')}</dd>`
  })
  return `<dl>${rows.join('\n')}</dl>`
}

/** Unnamed objects, within lists, maps and alternatives. */
function nested({ items, additionalProperties, anyOf, oneOf, allOf }: Schema): Schema[] {
  const values = typeof additionalProperties === 'object' ? [additionalProperties] : []
  const inner = [...(items === undefined ? [] : [items]), ...values, ...(anyOf ?? oneOf ?? allOf ?? [])]
  return inner.flatMap(one => (one.$ref !== undefined ? [] : one.properties === undefined ? nested(one) : [one]))
}

function fold(schema: Schema, level: number): string {
  const open = level < OPEN_LEVELS ? ' open' : ''
  return `<details${open}><summary>object</summary>${paragraphs(schema.description)}${fields(schema, level + 1)}</details>`
}

function bounds(schema: Schema): string {
  const { format, minimum, maximum, minLength, maxLength, minItems, maxItems, pattern } = schema
  const said = [
    format,
    range('', minimum, maximum),
    range(' characters', minLength, maxLength),
    range(' items', minItems, maxItems),
    pattern === undefined ? undefined : `<code>${escaped(pattern)}</code>`,
  ].filter(one => one !== undefined && one !== '')
  return said.length === 0 ? '' : ` (${said.join(', ')})`
}

function range(unit: string, least: number | undefined, most: number | undefined): string {
  if (least !== undefined && most !== undefined) return `${least} to ${most}${unit}`
  if (least !== undefined) return `at least ${least}${unit}`
  return most === undefined ? '' : `at most ${most}${unit}`
}

function literal(value: unknown): string {
  return `<code>${escaped(JSON.stringify(value))}</code>`
}

function link(ref: string): string {
  const name = escaped(ref.slice(ref.lastIndexOf('/') + 1))
  return `<a href="#schema-${name}">${name}</a>`
}
