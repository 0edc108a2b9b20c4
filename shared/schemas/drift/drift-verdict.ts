/**
 * What the rules of drift are made of: a change as it is judged, a verdict, and a rule.
 *
 * Reasons are fixed sentences: nothing of a customer's database is put into them.
 */
import type { Node, ObjectKind } from '#shared/schemas/snapshot-parts.ts'

/** A change before it is judged, with the whole object as it `was` and `is`, and the object that it is within. */
export interface Draft {
  readonly kind: 'added' | 'removed' | 'changed'
  readonly object: ObjectKind
  readonly path: readonly string[]
  readonly what?: string
  readonly before?: unknown
  readonly after?: unknown
  readonly position?: number
  readonly was?: Node
  readonly is?: Node
  readonly within: Within
}

/** An object as it was and is, and the keys of both when it is a relation: found once, whatever number of them is judged. */
export interface Within {
  readonly was: Node
  readonly is: Node
  readonly keys: { was(): ReadonlySet<string>; is(): ReadonlySet<string> }
}

/** How bad, and why. */
export interface Verdict {
  readonly class: 'breaking' | 'risky' | 'safe'
  readonly reason: string
}

/** A verdict, or how one comes about. */
export type Rule = Verdict | ((draft: Draft) => Verdict)

/** A rule for every property of an object but its name and its lists of other objects. */
export type Rules<T, Lists extends keyof T = never> = { readonly [K in Exclude<keyof T, 'name' | Lists>]-?: Rule }

/** What worked fails, or a protection is gone. */
export const breaking = (reason: string): Verdict => ({ class: 'breaking', reason })
/** It may behave otherwise. */
export const risky = (reason: string): Verdict => ({ class: 'risky', reason })
/** Nobody needs to notice. */
export const safe = (reason: string): Verdict => ({ class: 'safe', reason })

/** Gives the verdict of a rule. */
export function verdictOf(rule: Rule, draft: Draft): Verdict {
  return typeof rule === 'function' ? rule(draft) : rule
}

/** A rule for a property by what became of it: it was absent, it is absent, or (where it has values) it is another. */
export function whether(verdicts: { gained: Rule; lost: Rule; altered?: Rule }): Rule {
  return draft => {
    if (draft.before === undefined) return verdictOf(verdicts.gained, draft)
    return verdictOf(draft.after === undefined ? verdicts.lost : (verdicts.altered ?? verdicts.gained), draft)
  }
}
