/**
 * The types of the drift rules: an unclassified change, a verdict, and a rule.
 *
 * Reasons are fixed sentences and contain nothing from a customer's database.
 */
import type { Node, ObjectKind } from '#shared/schemas/snapshot-parts.ts'
import type { KnownTypes } from './drift-same.ts'
import { isRespelled } from './drift-spelling.ts'

/**
 * A change before it is classified, with the whole object before (`was`) and after (`is`), and the object that contains
 * it.
 */
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

/** An object that was added or removed together with another one: the sequence that a column owns. */
export interface Carried {
  readonly object: string
  readonly path: string[]
  readonly before?: unknown
  readonly after?: unknown
}

/** A property of an object in the earlier and the later snapshot, computed on first use. */
export interface Both<T> {
  was(): T
  is(): T
}

/**
 * An object in both snapshots, and properties of a relation that many rules need. Each is computed once, however many
 * changes there are.
 */
export interface Within {
  readonly was: Node
  readonly is: Node
  readonly keys: Both<ReadonlySet<string>>
  /** Names of the columns. */
  readonly columns: Both<ReadonlyMap<string, Node>>
  /** Columns that a check keeps from being null; for a domain, `VALUE`. */
  readonly required: Both<ReadonlySet<string>>
  /** Constraints, indexes, policies and the like, as texts without their names. */
  readonly parts: Both<ReadonlySet<string>>
  /** True if row-level security hides every row. */
  readonly hidden: Both<boolean>
  /** Relations of a schema by name. */
  readonly relations: Both<ReadonlyMap<string, Node>>
}

/** The two snapshots as a whole. */
export interface Compared {
  readonly types: Both<KnownTypes>
  /** Definitions of types whose names only one of the snapshots has. */
  readonly goneTypes: Both<ReadonlySet<string>>
  /** The sequences that columns own; see `ownedSequences`. */
  readonly sequences: Both<ReadonlyMap<string, readonly Node[]>>
  /** Keys of the relations that are partitions of a table; see `partitionKeys`. */
  readonly partitions: Both<ReadonlySet<string>>
  /** True if the servers have different major versions, which format some expressions differently. */
  readonly isOtherMajor: boolean
}

/** The class of a change, and the reason for it. */
export interface ChangeVerdict {
  readonly class: 'breaking' | 'risky' | 'safe'
  readonly reason: string
}

/** A verdict, or a function that computes one. */
export type DriftRule = ChangeVerdict | ((draft: Draft) => ChangeVerdict)

/** A rule for every property of an object except its name and its lists of other objects. */
export type Rules<T, Lists extends keyof T = never> = { readonly [K in Exclude<keyof T, 'name' | Lists>]-?: DriftRule }

/** Something that worked now fails, or a protection is gone. */
export const breaking = (reason: string): ChangeVerdict => ({ class: 'breaking', reason })
/** Something may behave differently. */
export const risky = (reason: string): ChangeVerdict => ({ class: 'risky', reason })
/** No user needs to react. */
export const safe = (reason: string): ChangeVerdict => ({ class: 'safe', reason })

/** Returns the verdict of a rule. */
export function verdictOf(rule: DriftRule, draft: Draft): ChangeVerdict {
  return typeof rule === 'function' ? rule(draft) : rule
}

/** Builds a rule for a property that was added, removed, or (if it has several values) changed. */
export function whether(verdicts: { gained: DriftRule; lost: DriftRule; altered?: DriftRule }): DriftRule {
  return draft => {
    if (draft.before === undefined) return verdictOf(verdicts.gained, draft)
    return verdictOf(draft.after === undefined ? verdicts.lost : (verdicts.altered ?? verdicts.gained), draft)
  }
}

/** The verdict on a difference in formatting only. */
export const RESPELLED = safe('unchanged: the two major versions of the server format it differently')
/** The verdict on a difference that may be one of formatting only. */
export const MAYBE_RESPELLED = risky(
  'possibly unchanged: the two major versions of the server may format it differently',
)

/**
 * Wraps a rule for SQL text: between servers of different major versions, the text may only be formatted differently.
 */
export function spellingRule(rule: DriftRule): DriftRule {
  return draft => {
    const { before, after, compared } = draft
    if (!compared.isOtherMajor || before === undefined || after === undefined) return verdictOf(rule, draft)
    return isRespelled(before, after) ? RESPELLED : MAYBE_RESPELLED
  }
}
