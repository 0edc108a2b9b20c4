/**
 * Whether an API key may be revoked as it was asked: a revocation that reaches further than the one key, or locks everybody
 * out of a mode, has to say that it is meant. Operators and callers are asked the same.
 */

/** The fate of the tokens that the key has made: revoked with it, or kept. */
export type Children = 'revoke' | 'keep'

/** True for one of the two. */
export function isChildren(text: string): text is Children {
  return text === 'revoke' || text === 'keep'
}

/** The caller's choices beside the key. */
export interface RevocationConsent {
  readonly children?: Children | undefined
  readonly force?: boolean | undefined
}

/** How many living keys and capabilities a key has made, and those have made. */
export interface Descendants {
  readonly keys: number
  readonly capabilities: number
}

/** Null when nothing more has to be said; else which of the two is missing. */
export function missingConsent(
  consent: RevocationConsent,
  found: { readonly living: Descendants; readonly endsWriting: boolean },
): 'children' | 'force' | null {
  const { keys, capabilities } = found.living
  if (keys + capabilities > 0 && consent.children === undefined) return 'children'
  return found.endsWriting && consent.force !== true ? 'force' : null
}

/** `2 living keys and 1 living capability`, as refusals name them. */
export function countedDescendants({ keys, capabilities }: Descendants): string {
  const plural = (count: number, one: string, many: string) => `${count} living ${count === 1 ? one : many}`
  return `${plural(keys, 'key', 'keys')} and ${plural(capabilities, 'capability', 'capabilities')}`
}
