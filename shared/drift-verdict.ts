/**
 * What the rules of drift are made of: a change as it is judged, a verdict, and the judgements that several rules share.
 *
 * Reasons are fixed sentences: nothing of a customer's database is put into them.
 */
import { typeChange } from './drift-type.ts'
import type { Node, ObjectKind } from './snapshot-parts.ts'

/** A change before it is judged, with the whole object as it `was` and `is`. */
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

/** For words that machines do not act upon. */
export const REMARK = safe('a remark for people changed')

/** A rule for a property by what it became: `gained` and `lost` when it was or is absent, else `altered`. */
export function whether(verdicts: { gained: Rule; lost: Rule; altered: Rule }): Rule {
  return draft => {
    if (draft.before === undefined) return verdictOf(verdicts.gained, draft)
    return verdictOf(draft.after === undefined ? verdicts.lost : verdicts.altered, draft)
  }
}

/** A rule for a property that is there or not. */
export function flag(verdicts: { gained: Rule; lost: Rule }): Rule {
  return whether({ ...verdicts, altered: verdicts.gained })
}

/** Gives the verdict of a rule. */
export function verdictOf(rule: Rule, draft: Draft): Verdict {
  return typeof rule === 'function' ? rule(draft) : rule
}

/** What the role may do. */
export const PERMISSIONS: Rule = draft => {
  const now = textsIn(draft.after)
  const gone = textsIn(draft.before).some(permission => !now.includes(permission))
  return gone ? breaking('the role lost a permission') : safe('the role gained a permission')
}

/** A type that became another. */
export const TYPE: Rule = draft => {
  const change = typeChange(String(draft.before), String(draft.after))
  if (change === 'wider') return safe('a wider type that reads as before')
  if (change === 'other_reading') return risky('a wider type that clients may read as another type')
  return breaking('another type: values may be refused, lost or read otherwise')
}

/** The texts of a list that may be absent. */
export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
