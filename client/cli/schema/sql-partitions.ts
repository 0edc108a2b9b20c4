/**
 * Converts the partitions of a table, which the snapshot includes in the table, into statements that create them and
 * their own parts.
 *
 * Only the SQL printer uses this. Of triggers, policies and rules of a partition, only the names are known; the first
 * lines list them.
 */
import { boundText, constraintClause, indexText, partitionText } from '#client/cli/schema-sql-definition.ts'
import { defaultText, identifiersIn, namesText } from '#client/cli/schema-sql-form.ts'
import { identifier, literal, qualified, unfit } from '#client/cli/schema-sql-text.ts'
import type { Constraint, OwnPart, Partition, Relation } from '#shared/schemas/snapshot-relation.ts'
import { whenHeld } from './sql-held.ts'
import type { Needs } from './sql-needs.ts'
import { storageClause } from './sql-storage.ts'
import { optionsClause } from './sql-traits.ts'

/** Returns the partitions of a table, each after its parent. */
export function partitionStatements(table: string, { partitions = [] }: Relation): string[] {
  const byParent = Map.groupBy(partitions, one => one.of ?? '')
  const statements: string[] = []
  const left = [...(byParent.get('') ?? [])].reverse()
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    const kind = one.server !== undefined ? 'foreign table' : one.unlogged ? 'unlogged table' : 'table'
    const parent = one.of === undefined ? table : namesText(one.of)
    const key = one.partitionKey === undefined ? '' : ` partition by ${partitionText(one.partitionKey)}`
    const storage = storageClause(one.own?.find(it => it.kind === 'storage')?.definition)
    const server = one.server === undefined ? '' : ` server ${identifier(one.server)}${optionsClause(one.options)}`
    statements.push(
      `create ${kind} ${namesText(one.name)} partition of ${parent} ${boundText(one.bound)}${key}${storage}${server};`,
    )
    left.push(...(byParent.get(one.name) ?? []).toReversed())
  }
  return statements
}

/**
 * Returns each partition's own objects except foreign keys. `isListed` is true for a partition that is also listed as a
 * table.
 */
export function ownStatements({ partitions = [] }: Relation, needs: Needs): string[] {
  return partitions.flatMap(partition => (partition.own ?? []).flatMap(part => ownStatement(partition, part, needs)))
}

function ownStatement(partition: Partition, { kind, name, definition }: OwnPart, needs: Needs): string[] {
  const table = namesText(partition.name)
  const alter = `alter ${partition.server === undefined ? '' : 'foreign '}table ${table}`
  const missing = constraintKind(definition) === 'foreign_key' ? [] : needs.calls(definition)
  switch (kind) {
    case 'constraint': {
      const made = constraintKind(definition)
      if (made === 'foreign_key') return []
      return [whenHeld(`${alter}\n  add constraint ${identifier(name)} ${clause(made, definition)};`, missing)]
    }
    case 'index': {
      const [schema = '', own = ''] = identifiersIn(partition.name) ?? []
      return [whenHeld(`${indexText(definition ?? '', [schema, own, name], true)};`, missing)]
    }
    case 'default': {
      const column = `${alter} alter column ${identifier(name)}`
      if (definition === undefined) return [`${column} drop default;`]
      return [whenHeld(`${column} set default ${defaultText(definition)};`, missing)]
    }
    case 'not null':
      return [`${alter} alter column ${identifier(name)} set not null;`]
    case 'comment':
      return [
        `comment on ${partition.server === undefined ? '' : 'foreign '}table ${table} is ${literal(definition ?? '')};`,
      ]
    case 'row security':
      return [`${alter} enable row level security;`]
    case 'replica identity':
      return isKnownIdentity(definition) ? [`${alter} replica identity ${IDENTITIES[definition]};`] : []
    default:
      return []
  }
}

const IDENTITIES = { f: 'full', n: 'nothing' } as const

function isKnownIdentity(letter: string | undefined): letter is keyof typeof IDENTITIES {
  return letter === 'f' || letter === 'n'
}

const KINDS: readonly (readonly [string, Constraint['kind']])[] = [
  ['PRIMARY KEY', 'primary_key'],
  ['UNIQUE', 'unique'],
  ['FOREIGN KEY', 'foreign_key'],
  ['CHECK', 'check'],
  ['EXCLUDE', 'exclusion'],
]

function constraintKind(definition = ''): Constraint['kind'] | null {
  return KINDS.find(([words]) => definition.startsWith(words))?.[1] ?? null
}

function clause(kind: Constraint['kind'] | null, definition = ''): string {
  return kind === null ? unfit(definition) : constraintClause(kind, definition)
}

const TARGET = /^FOREIGN KEY \([^()]*\) REFERENCES (?:ONLY )?([^()]+)\(/

/** Returns foreign keys that partitions have of their own, each with the relation that it refers to. */
export function ownForeignKeys({ partitions = [] }: Relation): { readonly to: string; readonly text: string }[] {
  return partitions.flatMap(({ name: of, own = [] }) =>
    own.flatMap(({ kind, name, definition = '' }) => {
      if (kind !== 'constraint' || constraintKind(definition) !== 'foreign_key') return []
      const [schema = '', relation = ''] = identifiersIn(TARGET.exec(definition)?.[1] ?? '') ?? []
      const text = `alter table ${namesText(of)}\n  add constraint ${identifier(name)} ${clause('foreign_key', definition)};`
      return [{ to: qualified(schema, relation), text }]
    }),
  )
}

/** Returns the parts of partitions of which a snapshot knows only the names, for the first lines. */
export function namedParts({ partitions = [] }: Relation): string[] {
  return partitions.flatMap(({ name: of, own = [] }) =>
    own
      .filter(({ kind, definition }) =>
        kind === 'replica identity'
          ? !isKnownIdentity(definition)
          : ['trigger', 'policy', 'rule', 'publication'].includes(kind),
      )
      .map(({ kind, name }) => `${kind} ${name === '' ? '' : `${identifier(name)} `}of ${of}`),
  )
}
