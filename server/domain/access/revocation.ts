/**
 * Decides whether an API key may be revoked as requested: a revocation that affects more than the one key, or locks
 * everyone out of a mode, must be confirmed explicitly. The same rules apply to operators and callers.
 */

/** The fate of the tokens that the key issued: revoked with it, or kept. */
export type Children = 'revoke' | 'keep'

/** True for one of the two. */
export function isChildren(text: string): text is Children {
  return text === 'revoke' || text === 'keep'
}

/** The caller's choices besides the key. */
export interface RevocationConsent {
  readonly children?: Children | undefined
  readonly force?: boolean | undefined
}

/** The number of living keys and capabilities that a key, or its descendants, issued. */
export interface Descendants {
  readonly keys: number
  readonly capabilities: number
}

/** The confirmation that is missing; null if none is. */
export function missingConsent(
  consent: RevocationConsent,
  found: { readonly living: Descendants; readonly endsWriting: boolean },
): 'children' | 'force' | null {
  const { keys, capabilities } = found.living
  if (keys + capabilities > 0 && consent.children === undefined) return 'children'
  return found.endsWriting && consent.force !== true ? 'force' : null
}

/** For example `2 living keys and 1 living capability`, as used in refusals. */
export function countedDescendants({ keys, capabilities }: Descendants): string {
  const plural = (count: number, one: string, many: string) => `${count} living ${count === 1 ? one : many}`
  return `${plural(keys, 'key', 'keys')} and ${plural(capabilities, 'capability', 'capabilities')}`
}
