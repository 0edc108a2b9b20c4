/**
 * The cases of `test/vectors/field/`, one file for each kind of what people paste and what answers them. Each is checked against the
 * shape that its test expects, so that no field of a case is overlooked.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** The cases of one file. Throws where one has another shape. */
export function fieldCases<S extends z.ZodType>(file: string, shape: S): z.output<S>[] {
  const text = readFileSync(join(import.meta.dirname, '../../vectors/field', file), 'utf8')
  return z.array(shape).min(1).parse(JSON.parse(text))
}
