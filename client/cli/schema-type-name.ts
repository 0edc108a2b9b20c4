/**
 * Parses a type name as far as the printers of a schema need it.
 *
 * The text is untrusted: nothing here reads a character twice.
 */

/** Returns the element type of an array of any dimension; any other type unchanged. */
export function baseTypeOf(type: string): string {
  let end = type.length
  while (type.endsWith('[]', end)) end -= 2
  return type.slice(0, end)
}
