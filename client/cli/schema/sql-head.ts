/**
 * The first lines of a script: what a snapshot does not hold of what it tells of, by name.
 *
 * Only the SQL printer uses it. Every line is a comment, and names are printable in it.
 */
import { identifier, qualified } from '#client/cli/schema-sql-text.ts'
import { printable } from '#shared/base/printable.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { rolesOf } from './sql-around.ts'
import type { Needs } from './sql-needs.ts'
import { namedOthers } from './sql-others.ts'
import { namedParts } from './sql-partitions.ts'
import { isMade } from './sql-traits.ts'

/** Nobody's snapshot holds these: it is told without them, and they are no difference to it. */
const NEVER = `-- No snapshot holds rows, owners, grants, tablespaces, access methods, security labels, settings of the database or of
-- roles, and of columns how they are stored, compressed and sampled.`

/** The lines, as one text. `statements` are those of the script, remarks among them. */
export function headLines(snapshot: Snapshot, needs: Needs, statements: readonly string[]): string[] {
  const functions = snapshot.schemas.flatMap(({ name, functions }) =>
    (functions ?? []).map(it => `${it.kind} ${identifier(name)}.${it.name}`),
  )
  const known = new Set(functions.map(name => name.slice(0, name.indexOf('('))))
  const others = [...needs.missed()].filter(name => !known.has(name))
  const parts = [
    ...group('Functions, of which a snapshot holds no body:', functions),
    ...group('What else it mentions and does not hold:', others),
    ...group('Statements that need them, which are remarks below:', statements.flatMap(titleOf)),
    ...group('Triggers that call them, or have arguments or a condition:', triggersOf(snapshot, needs)),
    ...group('Objects of which a snapshot holds the name alone:', namedOthers(snapshot)),
    ...group('Parts of partitions of which it holds the name alone:', partitionParts(snapshot)),
    ...group('Options of foreign servers, and user mappings, which may be secrets:', serversOf(snapshot)),
    ...group('Options of foreign tables whose values may be secrets:', optionsOf(snapshot)),
    ...group('Tables that this role does not see, of which these are partitions:', partitionsOf(snapshot)),
  ]
  const lines = [
    NEVER,
    ...(parts.length === 0 ? [] : ['-- Not in this script:', ...parts]),
    ...group('Roles that must be there, since policies are for them:', rolesOf(snapshot)),
    ...group('Extensions come in the version that the server offers. These were read:', versionsOf(snapshot)),
    ...group('Indexes that were not valid, and are here:', invalidIndexes(snapshot)),
  ]
  return [lines.join('\n')]
}

/** Words and signs behind which a statement says more than which object it is about. */
const DETAIL = /^ (?:as|check|using|for|is|exclude|unique|foreign|primary|type)\b|^[ (]*\(|^;/i
/** A word, a quoted name, or one sign. */
const PIECE = /"(?:[^"]|"")*"|[A-Za-z0-9_$.]+|[^"]|"/g
const MAX_TITLE = 300
const MAX_DETAIL = 20

function titleOf(statement: string): string[] {
  if (!statement.startsWith('-- ')) return []
  const [, ...lines] = statement.split('\n').map(line => line.slice(3))
  const text = lines.join(' ').replaceAll(/\s+/g, ' ').slice(0, MAX_TITLE)
  return text.startsWith('comment on ') ? [] : [titleIn(text)]
}

/** The text up to where its detail begins. Its length is bounded, and each piece is looked at once. */
function titleIn(text: string): string {
  for (const { index } of text.matchAll(PIECE))
    if (DETAIL.test(text.slice(index, index + MAX_DETAIL))) return text.slice(0, index)
  return text
}

function group(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return []
  // No line break and no backslash, by which a comment could end or psql be told something.
  const safe = (text: string) => printable(text.replaceAll('\\', '\\u{5c}').replaceAll(/\s+/g, ' '))
  return [`-- ${title}`, ...names.map(name => `--   ${safe(name)}`)]
}

function triggersOf({ schemas }: Snapshot, needs: Needs): string[] {
  return schemas.flatMap(({ name, relations }) =>
    relations.flatMap(relation =>
      (relation.triggers ?? [])
        .filter(it => !isMade(it, needs))
        .map(it => `${identifier(it.name)} on ${qualified(name, relation.name)} (${it.function})`),
    ),
  )
}

function serversOf({ servers }: Snapshot): string[] {
  return (servers ?? []).map(({ name }) => identifier(name))
}

function partitionParts({ schemas }: Snapshot): string[] {
  return schemas.flatMap(({ relations }) => relations.flatMap(namedParts))
}

function versionsOf({ extensions }: Snapshot): string[] {
  return extensions
    .filter(({ name }) => name !== 'plpgsql')
    .map(({ name, version }) => `${identifier(name)} ${version}`)
}

function invalidIndexes({ schemas }: Snapshot): string[] {
  return schemas.flatMap(({ name, relations }) =>
    relations
      .filter(({ kind }) => kind !== 'partitioned_table')
      .flatMap(({ indexes }) => (indexes ?? []).filter(it => it.invalid).map(it => qualified(name, it.name))),
  )
}

function optionsOf({ schemas }: Snapshot): string[] {
  return schemas.flatMap(({ name, relations }) =>
    relations.flatMap(relation =>
      [
        ...(relation.serverOptions ?? []),
        ...relation.columns.flatMap(it => it.options ?? []),
        ...(relation.partitions ?? []).flatMap(it => it.options ?? []),
      ]
        .filter(it => it.hash !== undefined)
        .map(it => `${it.name} of ${qualified(name, relation.name)}`),
    ),
  )
}

function partitionsOf({ schemas }: Snapshot): string[] {
  const made = new Set(schemas.flatMap(({ name, relations }) => relations.map(it => qualified(name, it.name))))
  return schemas.flatMap(({ name, relations }) =>
    relations.flatMap(({ name: own, partitionOf }) =>
      partitionOf === undefined || made.has(qualified(partitionOf.schema, partitionOf.name))
        ? []
        : [`${qualified(partitionOf.schema, partitionOf.name)}: ${qualified(name, own)}`],
    ),
  )
}
