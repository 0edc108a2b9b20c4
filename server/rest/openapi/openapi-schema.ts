/**
 * How our schemas become JSON Schema: a body of several forms becomes their `oneOf`, and what Zod adds beyond what a reader
 * needs is taken away again. `openapi.ts` uses it; it changes nothing about what is accepted.
 */
import { z } from 'zod'
import type { CreateDocumentOptions } from 'zod-openapi'

/** The schema as the document shows it: one made by `chosen` is the union of its forms. */
export function documentedSchema(schema: z.ZodType): z.ZodType {
  const forms = formsOf(schema)
  const [first, ...others] = forms
  return first === undefined || others.length === 0 ? schema : z.union([first, ...others])
}

function formsOf(schema: z.ZodType): z.ZodType[] {
  const forms: unknown = z.globalRegistry.get(schema)?.['forms']
  if (!Array.isArray(forms)) return [schema]
  return forms.flatMap((form: unknown) => (form instanceof z.ZodType ? formsOf(form) : []))
}

/**
 * Takes away: `additionalProperties: false` of answers, to which fields may be added later; the long patterns beside
 * `format`; and the bounds of integers that are those of JavaScript alone.
 */
export const options: CreateDocumentOptions = {
  override({ jsonSchema, zodSchema, io }) {
    const isStrict = zodSchema instanceof z.ZodObject && zodSchema.def.catchall !== undefined
    if (io === 'output' && !isStrict && jsonSchema.additionalProperties === false)
      delete jsonSchema.additionalProperties
    // A number that travels in a query is parsed from text.
    if (jsonSchema.type === 'integer') delete jsonSchema.pattern
    // Neither is a format of JSON Schema's; the pattern and `contentEncoding` say the same.
    if (jsonSchema.format === 'starts_with' || jsonSchema.format === 'base64') delete jsonSchema.format
    if (jsonSchema.contentEncoding !== undefined) delete jsonSchema.pattern
    if (['date-time', 'uuid', 'uri'].includes(jsonSchema.format ?? '')) delete jsonSchema.pattern
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  },
}
