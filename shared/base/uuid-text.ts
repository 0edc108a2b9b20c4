/**
 * UUIDs as Pydantic v2 accepts them, with its messages for invalid ones. The messages are those of its parser (the Rust
 * crate `uuid`) and name one character or a length of the text. The connections dialect uses this for paths and bodies.
 */

/** A UUID in its canonical form, or the reason why the text is not one. */
export type UuidText = { readonly ok: true; readonly uuid: string } | { readonly ok: false; readonly error: string }

const FORMS = [
  /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i,
  /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i,
  /^\{([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\}$/i,
]

const GROUPS = [8, 4, 4, 4, 12]
/** The offset of each group. */
const STARTS = [0, 9, 14, 19, 24]
const URN = 'urn:uuid:'

/** Reads a UUID in either case, with or without hyphens, optionally in braces or after `urn:uuid:`. */
export function readUuid(text: string): UuidText {
  const plain = text.startsWith(URN) && text.length === URN.length + 36 ? text.slice(URN.length) : text
  for (const form of FORMS) {
    const found = form.exec(plain)
    if (found !== null) return { ok: true, uuid: found.slice(1).join('-').toLowerCase() }
  }
  return { ok: false, error: errorOf(text) }
}

function errorOf(text: string): string {
  const isBraced = text.length > 1 && text.startsWith('{') && text.endsWith('}')
  const isUrn = text.startsWith(URN)
  const inner = isBraced ? text.slice(1, -1) : isUrn ? text.slice(URN.length) : text
  // The crate first strips the characters around 36 bytes and counts positions from there.
  if (inner !== text && bytes(inner) === 36) return errorOf(inner)
  const strange = /[^0-9a-f-]/iu.exec(inner)
  if (strange !== null) {
    const at = bytes(inner.slice(0, strange.index)) + (isBraced ? 1 : isUrn ? URN.length : 0) + 1
    return `invalid character: found \`${strange[0]}\` at ${at}`
  }
  const groups = inner.split('-')
  if (groups.length === 1 && !isBraced && !isUrn)
    return `invalid length: expected length 32 for simple format, found ${text.length}`
  if (groups.length !== 5) return `invalid group count: expected 5, found ${groups.length}`
  let end = -1
  for (const [group, digits] of groups.slice(0, 4).entries()) {
    end += digits.length + 1
    if (digits.length !== GROUPS[group])
      return `invalid group length in group ${group}: expected ${GROUPS[group]}, found ${end - (STARTS[group] ?? 0)}`
  }
  const found = text.length - (STARTS[4] ?? 0)
  return `invalid group length in group 4: expected 12, found ${found}`
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length
}

/** The type, message and `ctx` with which Pydantic reports such a text. */
export function uuidParsing(error: string) {
  return { type: 'uuid_parsing', message: `Input should be a valid UUID, ${error}`, ctx: { error } }
}
