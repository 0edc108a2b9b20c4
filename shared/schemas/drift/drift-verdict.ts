/**
 * The types of the drift rules: a judged change, a verdict, and a rule.
 *
 * Reasons are fixed sentences: nothing of a customer's database is put into them.
 */
import type { Node, ObjectKind } from '#shared/schemas/snapshot-parts.ts'
import type { KnownTypes } from './drift-same.ts'
import { isRespelled } from './drift-spelling.ts'

/** A change before it is judged, with the whole object as it `was` and `is`, and the object that it is within. */
export interface Draft {
  readonly kind: 'added' | 'removed' | 'changed'
  readonly object: ObjectKind
  readonly path: readonly string[]
  readonly what?: string
  readonly before?: unknown
  readonly after?: unknown
  readonly position?: number
  readonly with?: readonly Carried[]
  readonly was?: Node
  readonly is?: Node
  readonly within: Within
  readonly compared: Compared
}

/** An object that came or went with another one: the sequence that a column owns. */
export interface Carried {
  readonly object: string
  readonly path: string[]
  readonly before?: unknown
  readonly after?: unknown
}

/** Something of an object as it was and as it is, found when it is first asked for. */
export interface Both<T> {
  was(): T
  is(): T
}

/** An object as it was and is, and of a relation what many rules ask for: found once, whatever number of them is judged. */
export interface Within {
  readonly was: Node
  readonly is: Node
  readonly keys: Both<ReadonlySet<string>>
  /** Names of the columns. */
  readonly columns: Both<ReadonlyMap<string, Node>>
  /** Columns that a check keeps from null; of a domain, `VALUE`. */
  readonly required: Both<ReadonlySet<string>>
  /** Constraints, indexes, policies and the like without their names, as texts. */
  readonly parts: Both<ReadonlySet<string>>
  /** Whether row-level security hides every row. */
  readonly hidden: Both<boolean>
  /** Relations of a schema by name. */
  readonly relations: Both<ReadonlyMap<string, Node>>
}

/** The two snapshots as a whole. */
export interface Compared {
  readonly types: Both<KnownTypes>
  /** Texts of the types that only the one or the other has by name. */
  readonly goneTypes: Both<ReadonlySet<string>>
  /** Keys of the relations that are partitions of a table; see `partitionKeys`. */
  readonly partitions: Both<ReadonlySet<string>>
  /** The servers are of two major versions, which spell some expressions otherwise. */
  readonly isOtherMajor: boolean
}

/** How bad, and why. */
export interface ChangeVerdict {
  readonly class: 'breaking' | 'risky' | 'safe'
  readonly reason: string
}

/** A verdict, or how one comes about. */
export type DriftRule = ChangeVerdict | ((draft: Draft) => ChangeVerdict)

/** A rule for every property of an object but its name and its lists of other objects. */
export type Rules<T, Lists extends keyof T = never> = { readonly [K in Exclude<keyof T, 'name' | Lists>]-?: DriftRule }

/** Something that worked fails, or a protection is gone. */
export const breaking = (reason: string): ChangeVerdict => ({ class: 'breaking', reason })
/** It may behave otherwise. */
export const risky = (reason: string): ChangeVerdict => ({ class: 'risky', reason })
/** Nobody needs to notice. */
export const safe = (reason: string): ChangeVerdict => ({ class: 'safe', reason })

/** Gives the verdict of a rule. */
export function verdictOf(rule: DriftRule, draft: Draft): ChangeVerdict {
  return typeof rule === 'function' ? rule(draft) : rule
}

/** A rule for a property by what became of it: it was absent, it is absent, or (where it has values) it is another. */
export function whether(verdicts: { gained: DriftRule; lost: DriftRule; altered?: DriftRule }): DriftRule {
  return draft => {
    if (draft.before === undefined) return verdictOf(verdicts.gained, draft)
    return verdictOf(draft.after === undefined ? verdicts.lost : (verdicts.altered ?? verdicts.gained), draft)
  }
}

/** The verdict on what only looks changed. */
export const RESPELLED = safe('another major version of the server spells the same otherwise')
/** The verdict on what may only look changed. */
export const MAYBE_RESPELLED = risky('the server has another major version, which may spell the same otherwise')

/** A rule for a text of SQL: between servers of two major versions it may merely be spelled otherwise. */
export function spellingRule(rule: DriftRule): DriftRule {
  return draft => {
    const { before, after, compared } = draft
    if (!compared.isOtherMajor || before === undefined || after === undefined) return verdictOf(rule, draft)
    return isRespelled(before, after) ? RESPELLED : MAYBE_RESPELLED
  }
}
