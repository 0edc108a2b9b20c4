/**
 * The form of SQL to paste: what the reader must know and which role they need, then statements that work unchanged.
 *
 * Names are quoted and never in a comment; called functions are qualified: in the session of the superuser who pastes
 * the SQL, a better match in another schema would run with their privileges (CVE-2018-1058).
 */
import { anonymousBlock, quoteText } from '#shared/base/sql-text.ts'

/** Resets a login that acts as another role, so that the privileges of the person who pastes the SQL apply. */
const OWN_RIGHTS = 'set role none;'

/** Statements to paste, below comments in our words. */
export function paste(notes: readonly string[], ...statements: readonly string[]): string {
  return [OWN_RIGHTS, ...notes.map(note => `-- ${note}`), ...statements].join('\n')
}

/** A block that runs each statement returned in the single column of a query, and reports which ones. */
export function runEach(query: string): string {
  return anonymousBlock(`declare
  statement pg_catalog.text;
begin
  for statement in
${indented(query)}
  loop
    raise notice '%', statement;
    execute statement;
  end loop;
end`)
}

/** The note that a text does not fix everything, if `count` exceeds the number of listed names. */
export function moreNote(count: number, names: readonly string[]): string[] {
  const rest = count - names.length
  return rest > 0 ? [`There are ${rest} more. Verify again to see their names.`] : []
}

/** SQL constants, separated by commas. */
export function constants(texts: readonly string[]): string {
  return texts.map(quoteText).join(', ')
}

function indented(text: string): string {
  return text
    .split('\n')
    .map(line => `    ${line}`)
    .join('\n')
}
