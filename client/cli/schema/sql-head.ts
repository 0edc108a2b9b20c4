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
import { isMade } from './sql-traits.ts'

/** The lines, as one text; none where the snapshot holds all. */
export function headLines(snapshot: Snapshot, needs: Needs): string[] {
  const functions = snapshot.schemas.flatMap(({ name, functions }) =>
    (functions ?? []).map(it => `${it.kind} ${identifier(name)}.${it.name}`),
  )
  const parts = [
    ...group('Functions, of which a snapshot holds no body:', [
      ...functions,
      ...calledElsewhere(snapshot, needs, functions),
    ]),
    ...group('Triggers that call them, or have arguments or a condition:', triggersOf(snapshot, needs)),
    ...group('Options of foreign tables whose values may be secrets:', optionsOf(snapshot)),
    ...group('Tables that this role does not see, of which these are partitions:', partitionsOf(snapshot)),
  ]
  const roles = group('Roles that must be there, since policies are for them:', rolesOf(snapshot))
  const lines = [...(parts.length === 0 ? [] : ['-- Not in this script:', ...parts]), ...roles]
  return lines.length === 0 ? [] : [lines.join('\n')]
}

function group(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return []
  // No line break and no backslash, by which a comment could end or psql be told something.
  const safe = (text: string) => printable(text.replaceAll('\\', '\\u{5c}').replaceAll(/\s+/g, ' '))
  return [`-- ${title}`, ...names.map(name => `--   ${safe(name)}`)]
}

/** Functions of schemas that the snapshot does not cover, which expressions call. */
function calledElsewhere({ schemas }: Snapshot, needs: Needs, known: readonly string[]): string[] {
  const texts = schemas.flatMap(({ relations, domains }) => [
    ...(domains ?? []).flatMap(it => [it.default, ...(it.checks ?? []).map(check => check.definition)]),
    ...relations.flatMap(({ columns, constraints, indexes, policies, definition, rules }) => [
      ...columns.flatMap(it => [it.default, it.generated]),
      ...(constraints ?? []).map(it => (it.kind === 'foreign_key' ? undefined : it.definition)),
      ...(indexes ?? []).map(it => it.definition),
      ...(policies ?? []).flatMap(it => [it.using, it.check]),
      ...(rules ?? []).map(it => it.definition),
      definition,
    ]),
  ])
  const names = new Set(known.map(name => name.slice(name.indexOf(' ') + 1, name.indexOf('('))))
  return [...new Set(texts.flatMap(text => needs.calls(text)))]
    .filter(name => !names.has(name))
    .map(name => `function ${name}`)
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

function optionsOf({ schemas }: Snapshot): string[] {
  return schemas.flatMap(({ name, relations }) =>
    relations.flatMap(relation =>
      [...(relation.serverOptions ?? []), ...relation.columns.flatMap(it => it.options ?? [])]
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
