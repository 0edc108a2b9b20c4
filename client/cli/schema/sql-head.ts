/**
 * The first lines of a script, which name the parts of the schema that a snapshot mentions but does not hold.
 *
 * Only the SQL printer uses this. Every line is a comment, and all names are printable.
 */
import { identifier, qualified } from '#client/cli/schema-sql-text.ts'
import { printable } from '#shared/base/printable.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { rolesOf } from './sql-around.ts'
import type { Needs } from './sql-needs.ts'
import { namedOthers } from './sql-others.ts'
import { namedParts } from './sql-partitions.ts'
import { isMade } from './sql-traits.ts'

/** Objects that no snapshot holds. They are listed once here and do not count as differences. */
const NEVER = `-- No snapshot holds rows, owners, grants, tablespaces, access methods, security labels, settings of the database or of
-- roles, or how columns are stored, compressed and sampled.`

/** Returns the lines. `statements` are those of the script, including remarks. */
export function headLines(snapshot: Snapshot, needs: Needs, statements: readonly string[]): string[] {
  const functions = snapshot.schemas.flatMap(({ name, functions }) =>
    (functions ?? []).map(it => `${it.kind} ${identifier(name)}.${it.name}`),
  )
  const known = new Set(functions.map(name => name.slice(0, name.indexOf('('))))
  const others = [...needs.missed()].filter(name => !known.has(name))
  const parts = [
    ...group('Functions, whose bodies a snapshot does not hold:', functions),
    ...group('Other objects that it mentions and does not hold:', others),
    ...group('Statements that need them, which are comments below:', statements.flatMap(titleOf)),
    ...group('Triggers that call them, or have arguments or a condition:', triggersOf(snapshot, needs)),
    ...group('Objects of which a snapshot holds only the name:', namedOthers(snapshot)),
    ...group('Parts of partitions of which it holds only the name:', partitionParts(snapshot)),
    ...group('Options of foreign servers, and user mappings, which may be secrets:', serversOf(snapshot)),
    ...group('Options of foreign tables whose values may be secrets:', optionsOf(snapshot)),
    ...group('Tables that this role cannot see, which have these partitions:', partitionsOf(snapshot)),
  ]
  const lines = [
    NEVER,
    ...(parts.length === 0 ? [] : ['-- Not in this script:', ...parts]),
    ...group('Roles that must exist, because policies name them:', rolesOf(snapshot)),
    ...group(
      'Extensions are created in the version that the server offers. The versions read were:',
      versionsOf(snapshot),
    ),
    ...group('Indexes that were invalid, and are valid here:', invalidIndexes(snapshot)),
  ]
  return [lines.join('\n')]
}

/** Keywords and signs at which a statement turns from naming its object to describing it. */
const DETAIL = /^ (?:as|check|using|for|is|exclude|unique|foreign|primary|type)\b|^[ (]*\(|^;/i
/** A word, a quoted name, or a single sign. */
const PIECE = /"(?:[^"]|"")*"|[A-Za-z0-9_$.]+|[^"]|"/g
const MAX_TITLE = 300
const MAX_DETAIL = 20
/** No title ends with its first word: `create type` names its object. */
const SHORTEST = 'create '.length

function titleOf(statement: string): string[] {
  if (!statement.startsWith('-- ')) return []
  const [, ...lines] = statement.split('\n').map(line => line.slice(3))
  const text = lines.join(' ').replaceAll(/\s+/g, ' ').slice(0, MAX_TITLE)
  return text.startsWith('comment on ') ? [] : [titleIn(text)]
}

/** Returns the text up to where its details begin. Its length is bounded, and each piece is read once. */
function titleIn(text: string): string {
  for (const { index } of text.matchAll(PIECE))
    if (index >= SHORTEST && DETAIL.test(text.slice(index, index + MAX_DETAIL))) return text.slice(0, index)
  return text
}

function group(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return []
  // Removes line breaks and backslashes, with which a comment could end or a psql command begin.
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
