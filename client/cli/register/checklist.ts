/**
 * Formats the checklist of a verification as lines for a terminal: checks that passed, checks that failed with their
 * remedy, and checks that were skipped. Texts that quote a customer's server are not escaped here; the caller escapes
 * them when printing. Pure functions.
 */
import type { Advisory, Check } from '#shared/checks/check.ts'

const MARKS = { pass: 'ok  ', fail: 'FAIL', skipped: '-   ' } as const
const ITEM_WIDTH = 20
const INDENT = ' '.repeat(8)

/** Returns the line of a check; for a failed check, the remedy follows below it. */
export function checkLines({ item, outcome, actual, fix }: Check): string[] {
  const line = `  ${MARKS[outcome]}  ${item.padEnd(ITEM_WIDTH)}${actual === undefined ? '' : ` ${actual}`}`.trimEnd()
  return [line, ...(outcome === 'fail' && fix !== undefined ? indented(fix) : [])]
}

/** Returns the lines of an advisory: a property that is allowed but should be changed. */
export function advisoryLines({ item, recommendation }: Advisory): string[] {
  return [`  note  ${item}`, ...indented(recommendation)]
}

function indented(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => `${INDENT}${line}`.trimEnd())
}
