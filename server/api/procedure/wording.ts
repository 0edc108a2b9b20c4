/**
 * The sentences for rejected input whose schema has none of its own: they replace Zod's, which speak of "input",
 * "expected" and "received" and change with the library. They name limits and types and never the value.
 */
import { z } from 'zod'

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  url: 'a URL',
  base64: 'base64',
  datetime: 'a time in ISO 8601',
}

const COUNTED: Readonly<Record<string, string>> = { string: 'character', array: 'item', set: 'item', object: 'field' }

/** Installs these sentences for every schema of this process. A schema's own sentence takes precedence. */
export function useOurWording(): void {
  z.config({ customError: wordingOf })
}

/** The sentence for an issue. */
export function wordingOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'This field is required.'
      return `It must be ${TYPES[issue.expected] ?? 'of another type'}.`
    case 'too_big':
      return bound('at most', Number(issue.maximum), issue.origin)
    case 'too_small':
      return bound('at least', Number(issue.minimum), issue.origin)
    case 'invalid_format':
      return `It must be ${FORMATS[issue.format] ?? 'of the documented form'}.`
    case 'invalid_value':
      if (issue.input === undefined) return 'This field is required.'
      return `It must be ${issue.values.map(value => JSON.stringify(value)).join(' or ')}.`
    case 'unrecognized_keys':
      return 'There is no such field.'
    default:
      return 'It is invalid.'
  }
}

function bound(order: string, count: number, origin: string): string {
  const unit = COUNTED[origin]
  if (unit === undefined) return `It must be ${order} ${count}.`
  return `It must have ${order} ${count} ${unit}${count === 1 ? '' : 's'}.`
}
