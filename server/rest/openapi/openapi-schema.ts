/**
 * Converts our schemas to JSON Schema: a body of several forms becomes their `oneOf`, and Zod's additions that a reader
 * does not need are removed. `openapi.ts` uses it; it does not affect what is accepted.
 */
import { z } from 'zod'
import type { CreateDocumentOptions } from 'zod-openapi'

/** The schema as shown in the document: one created by `chosen` is the union of its forms. */
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
 * Removes `additionalProperties: false` from answers, to which fields may be added later; the long patterns next to
 * `format`; and bounds of integers that only reflect JavaScript's range.
 */
export const options: CreateDocumentOptions = {
  override({ jsonSchema, zodSchema, io }) {
    const isStrict = zodSchema instanceof z.ZodObject && zodSchema.def.catchall !== undefined
    if (io === 'output' && !isStrict && jsonSchema.additionalProperties === false)
      delete jsonSchema.additionalProperties
    // A number in a query is parsed from text.
    if (jsonSchema.type === 'integer') delete jsonSchema.pattern
    // Neither is a JSON Schema format; the pattern and `contentEncoding` say the same.
    if (jsonSchema.format === 'starts_with' || jsonSchema.format === 'base64') delete jsonSchema.format
    if (jsonSchema.contentEncoding !== undefined) delete jsonSchema.pattern
    if (['date-time', 'uuid', 'uri'].includes(jsonSchema.format ?? '')) delete jsonSchema.pattern
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  },
}
