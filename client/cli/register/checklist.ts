/**
 * The checklist of a verification as lines for a terminal: what passed, what failed with what to do, what was not looked at.
 * Texts that quote a customer's server are not escaped here: the caller escapes them as it prints. Pure.
 */
import type { Advisory, Check } from '#shared/checks/check.ts'

const MARKS = { pass: 'ok  ', fail: 'FAIL', skipped: '-   ' } as const
const ITEM_WIDTH = 20
const INDENT = ' '.repeat(8)

/** One line of the list, and below a failed one how to mend it. */
export function checkLines({ item, outcome, actual, fix }: Check): string[] {
  const line = `  ${MARKS[outcome]}  ${item.padEnd(ITEM_WIDTH)}${actual === undefined ? '' : ` ${actual}`}`.trimEnd()
  return [line, ...(outcome === 'fail' && fix !== undefined ? indented(fix) : [])]
}

/** An advisory: a property that is allowed and should be changed. */
export function advisoryLines({ item, recommendation }: Advisory): string[] {
  return [`  note  ${item}`, ...indented(recommendation)]
}

function indented(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => `${INDENT}${line}`.trimEnd())
}
