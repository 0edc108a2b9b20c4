/**
 * Connection strings as people paste them, each with its expected result:
 * pure, without a server.
 */
import { z } from 'zod'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { fieldCases } from './cases.ts'

const StringCase = z.strictObject({
  text: z.string(),
  /** For a refused string: the code, and words of its sentence. */
  code: z.string().optional(),
  says: z.array(z.string()).default([]),
  /** For an accepted string. */
  tlsMode: z.string().optional(),
  schema: z.string().nullable().optional(),
  neonEndpoint: z.string().optional(),
  advises: z.array(z.string()).optional(),
})
/** A string, and its expected result. */
export type StringCase = z.output<typeof StringCase>

/** The cases of a file. */
export function stringCases(file: string): StringCase[] {
  return fieldCases(file, StringCase)
}

/** The difference between the parser's result and the expected one; empty if there is none. */
export function differencesOf(one: StringCase): string[] {
  const parsed = parseConnectionString(one.text)
  if (!parsed.ok) {
    const { code, message } = parsed
    const lacking = one.says.filter(text => !message.includes(text))
    return [
      ...(code === one.code ? [] : [`${code}: ${message}`]),
      ...lacking.map(text => `lacks "${text}": ${message}`),
    ]
  }
  if (one.code !== undefined) return ['is taken']
  const { target, schema, advisories } = parsed
  const found = { tlsMode: target.tlsMode, neonEndpoint: target.neonEndpoint ?? undefined, schema }
  const wanted = { tlsMode: one.tlsMode, neonEndpoint: one.neonEndpoint, schema: one.schema ?? null }
  const advised = advisories.map(({ item }) => item)
  return [
    ...(JSON.stringify(found) === JSON.stringify(wanted)
      ? []
      : [`${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`]),
    ...(one.advises === undefined || String(one.advises) === String(advised) ? [] : [`advises ${advised.join(', ')}`]),
  ]
}
