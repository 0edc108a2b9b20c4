/**
 * The form of SQL that a person pastes: what they have to know and be first, then statements that work as they are.
 *
 * Names are quoted and never in a comment; what is called is qualified: in the session of the superuser who pastes it, a
 * better match in another schema would run as them (CVE-2018-1058).
 */
import { anonymousBlock, quoteText } from '#shared/base/sql-text.ts'

/** A login that acts as another role is itself again, so that the rights of the person who pastes are what counts. */
const OWN_RIGHTS = 'set role none;'

/** Statements to paste, below comments in our words. */
export function paste(notes: readonly string[], ...statements: readonly string[]): string {
  return [OWN_RIGHTS, ...notes.map(note => `-- ${note}`), ...statements].join('\n')
}

/** A block that runs each statement that a query gives in its one column, and tells which ones. */
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

/** The note that a text does not mend everything, where `count` are more than the names that it has. */
export function moreNote(count: number, names: readonly string[]): string[] {
  const rest = count - names.length
  return rest > 0 ? [`There are ${rest} more. Verify again for their names.`] : []
}

/** Constants of SQL with commas between them. */
export function constants(texts: readonly string[]): string {
  return texts.map(quoteText).join(', ')
}

function indented(text: string): string {
  return text
    .split('\n')
    .map(line => `    ${line}`)
    .join('\n')
}
