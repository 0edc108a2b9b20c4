/**
 * The drift rules for functions, procedures and aggregates.
 *
 * Only `drift-class.ts` and the rules for objects use them.
 */

import {
  breaking,
  type DriftRule,
  RESPELLED,
  type Rules,
  risky,
  safe,
  spellingRule,
  verdictOf,
  whether,
} from '#shared/schemas/drift/drift-verdict.ts'
import type { Routine } from '#shared/schemas/snapshot-object.ts'
import { nameOf, nodesIn } from '#shared/schemas/snapshot-parts.ts'
import { GONE, REMARK } from './drift-property.ts'

/** The rule for a removed function. Calls of it still work if one of its name takes more arguments with defaults. */
export const LOST_FUNCTION: DriftRule = ({ was, within }) => {
  const [name, head] = [nameOf(was ?? {}), String(was?.['arguments'])]
  const [taken, given] = [name === '' ? name : name.slice(0, -1), head === '' ? '' : `${head}, `]
  const isLonger = nodesIn(within.is, 'functions').some(one => {
    const found = String(one['arguments'])
    const isOfName = nameOf(one).startsWith(head === '' ? taken : `${taken}, `)
    const isCalledAlike = ['kind', 'result'].every(property => one[property] === was?.[property])
    return isOfName && isCalledAlike && found.startsWith(given) && /^[^,]* DEFAULT /.test(found.slice(given.length))
  })
  return isLonger
    ? risky('it takes more arguments, which calls may omit: references to it by its arguments fail')
    : GONE
}

const withoutIn = (text: unknown) => String(text).replaceAll(/(^|, )IN /g, '$1')
const OTHER_BODY = risky('it may do something else')
/** Rules of the properties of a function. */
export const FUNCTION: Rules<Routine> = {
  kind: breaking('it is called differently'),
  arguments: draft =>
    // Versions 14 and later print the mode IN of a procedure's arguments.
    draft.compared.isOtherMajor && withoutIn(draft.before) === withoutIn(draft.after)
      ? verdictOf(RESPELLED, draft)
      : verdictOf(spellingRule(risky('calls that name its arguments or leave some out may fail')), draft),
  result: breaking('it returns another type'),
  language: OTHER_BODY,
  // The server formats a body that it stores as a parse tree.
  hash: ({ compared, is }) =>
    compared.isOtherMajor && is?.['language'] === 'sql'
      ? risky('possibly unchanged: the two major versions of the server may format it differently')
      : OTHER_BODY,
  volatility: risky('it may be called more or less often'),
  securityDefiner: whether({
    gained: risky("it runs with its owner's permissions"),
    lost: risky("it runs with the caller's permissions"),
  }),
  strict: risky('it may treat null differently'),
  leakproof: whether({
    gained: risky('it may see rows before row security and view barriers hide them'),
    lost: safe('it no longer sees rows that are hidden'),
  }),
  parallel: risky('it may run in other processes than before'),
  settings: risky('it runs with other settings'),
  searchPath: whether({
    gained: safe('it resolves names with a search path of its own'),
    lost: risky("it resolves names with the caller's search path"),
    altered: risky('it resolves names with another search path'),
  }),
  denied: whether({
    gained: breaking('the role may no longer execute it'),
    lost: safe('the role may execute it'),
  }),
  comment: REMARK,
}
