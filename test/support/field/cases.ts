/**
 * The cases of `test/vectors/field/`, one file for each kind of pasted string and server answer. Each is parsed with
 * the shape that its test expects, so that no field of a case is overlooked.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** The cases of one file. Throws if one has another shape. */
export function fieldCases<S extends z.ZodType>(file: string, shape: S): z.output<S>[] {
  const text = readFileSync(join(import.meta.dirname, '../../vectors/field', file), 'utf8')
  return z.array(shape).min(1).parse(JSON.parse(text))
}
