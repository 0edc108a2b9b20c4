/**
 * Writes `docs/fixes.md`: a table of the misconfigurations,
 * Mooring's reports and the results, with the printed fixes.
 */
import type { Misconfiguration } from './misconfiguration.ts'

/** The result of one misconfiguration. */
export interface Outcome {
  readonly of: Misconfiguration
  readonly reason: string
  readonly item: string
  /** The finding and the fix of the failed line, with names from the run replaced. */
  readonly actual: string
  readonly fix: string
  /** The steps taken for the fix; empty if it contains nothing that a robot can do. */
  readonly done: readonly string[]
  readonly end: string
  /** Deviations from the expected result. */
  readonly wrong: readonly string[]
}

const cell = (text: string) => text.replaceAll('|', '\\|')

/** Returns a line of the table. */
export function rowOf(outcome: Outcome, number: number): string {
  const { of, reason, item, actual, done, end } = outcome
  return `| ${number} | ${cell(of.title)} | \`${item}\`: ${cell(actual)} (\`${reason}\`) | ${done.join(', ') || '–'} | ${end} |`
}

/** The head of the table. */
export const HEAD = `| | What is wrong | What Mooring says | What the fix has done | Then |
|---|---|---|---|---|`

/** Returns the whole document. */
export function fixesDocument(outcomes: readonly Outcome[]): string {
  const mended = outcomes.filter(({ end }) => end === 'active').length
  const numbered = outcomes.map(({ fix }, at) => ({ fix, number: at + 1 }))
  const fixes = [...Map.groupBy(numbered, ({ fix }) => fix)].map(
    ([fix, of]) => `### ${of.map(({ number }) => number).join(', ')}\n\n\`\`\`text\n${fix}\n\`\`\`\n`,
  )
  return `# Fixes

Every line of the checklist that fails has a \`fix\`. Here are ${outcomes.length} misconfigurations of real servers, PostgreSQL and PgBouncer, with
what Mooring says of each. A robot then does what the fix says and nothing else: it pastes SQL into psql and lines into
\`pg_hba.conf\`, changes the connection string as the fix says, and tries again. It pastes as the owner of the database, who has
CREATEROLE and no more, and as a superuser only where the fix asks for one. ${mended} of them become active. The access of another role
and of the owner is measured before and after: none of it is lost. This file is written by \`npm run test:fixes\`; in CI that fails where the file is not current.

${HEAD}
${outcomes.map((outcome, at) => rowOf(outcome, at + 1)).join('\n')}

## The fixes, as they are printed

${fixes.join('\n')}`
}
