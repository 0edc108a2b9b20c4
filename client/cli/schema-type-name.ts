/**
 * A type's spelling, taken apart as far as the printers of a schema need it.
 *
 * It is a stranger's text: nothing here looks at a character twice.
 */

/** The type of which arrays of any dimension are made; any other type itself. */
export function baseTypeOf(type: string): string {
  let end = type.length
  while (type.endsWith('[]', end)) end -= 2
  return type.slice(0, end)
}
