/**
 * Objects that have no shape of their own in a snapshot: the statements of collations and statistics, and the names of
 * all others.
 *
 * Only the SQL printer uses this.
 */
import { identifiersIn } from '#client/cli/schema-sql-form.ts'
import { fitting, NAMES, whole } from '#client/cli/schema-sql-outline.ts'
import { qualified, remark, unfit } from '#client/cli/schema-sql-text.ts'
import { solid, tokens } from '#client/cli/schema-sql-token.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import type { Other } from '#shared/schemas/snapshot-object.ts'
import { whenHeld } from './sql-held.ts'
import type { Needs } from './sql-needs.ts'

const COLLATION = 'collation '
const STATISTICS = 'statistics object '

const ofSchemas = ({ schemas }: Snapshot): Other[] => schemas.flatMap(({ others }) => others ?? [])

const FORMS = {
  collation: whole(`CREATE COLLATION ${NAMES} \\(\\)`),
  statistics: whole(`CREATE STATISTICS ${NAMES}(?: \\(\\))? ON .+ FROM ${NAMES}`),
} as const

/** Returns the statement that creates a collation with the given schema and name. */
function collationText(text: string, names: readonly string[] | null): string {
  return namedText(text, FORMS.collation, names)
}

/** Returns the statement that creates extended statistics with the given schema and name. */
function statisticsText(text: string, names: readonly string[] | null): string {
  return namedText(text, FORMS.statistics, names)
}

/** Returns a statement of at least three words whose third word is the schema, followed by a dot and the name. */
function namedText(text: string, form: RegExp, names: readonly string[] | null): string {
  const read = tokens(text)
  const [, , schema, , name] = read === null ? [] : solid(read)
  const isMeant = names !== null && schema?.value === names[0] && name?.value === names[1]
  return isMeant ? fitting(read, form, text) : unfit(text)
}

/** Returns the statements that create collations. */
export function collationStatements(snapshot: Snapshot): string[] {
  return ofSchemas(snapshot).flatMap(({ name, definition }) =>
    definition !== undefined && name.startsWith(COLLATION)
      ? [`${collationText(definition, identifiersIn(ownName(name, COLLATION)))};`]
      : [],
  )
}

/** Returns the statements that create statistics; remarks if the table is not among the created ones in `made`. */
export function statisticsStatements(snapshot: Snapshot, needs: Needs, made: ReadonlySet<string>): string[] {
  return ofSchemas(snapshot).flatMap(({ name, definition }) => {
    if (definition === undefined || !name.startsWith(STATISTICS)) return []
    const text = `${statisticsText(definition, identifiersIn(ownName(name, STATISTICS)))};`
    if (!made.has(tableOf(definition))) return [remark(text, 'made')]
    return [whenHeld(text, needs.calls(definition.replace(KINDS, 'SELECT ')))]
  })
}

/** The text before the expressions, in which the name and its kinds of statistics look like a call. */
const KINDS = /^CREATE STATISTICS (?:"(?:[^"]|"")+"|[^". ]+)\.(?:"(?:[^"]|"")+"|[^". ]+)(?: \([a-z, ]+\))? ON /

/** Returns the table that the statistics are about, quoted for SQL. */
function tableOf(definition: string): string {
  const [schema = '', name = ''] =
    identifiersIn(definition.slice(definition.lastIndexOf(' FROM ') + ' FROM '.length)) ?? []
  return qualified(schema, name)
}

function ownName(name: string, kind: string): string {
  return name.startsWith(kind) ? name.slice(kind.length) : ''
}

/** Returns the objects of which a snapshot holds only the name. */
export function namedOthers(snapshot: Snapshot): string[] {
  return [...(snapshot.others ?? []), ...ofSchemas(snapshot)]
    .filter(({ definition }) => definition === undefined)
    .map(({ name }) => name)
}
