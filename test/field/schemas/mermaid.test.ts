/**
 * Diagrams parsed by Mermaid's own parser: for every name that a server may have, the diagram has each table with its
 * columns and each foreign key with its line.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { schemaMermaid } from '#client/cli/schema-mermaid.ts'
import { readDiagram } from '#test/support/schemas/mermaid.ts'
import { snapshot } from '#test/support/schemas/snapshots.ts'

interface Names {
  readonly schema: string
  readonly tables: readonly string[]
  readonly columns: readonly string[]
  readonly types: readonly string[]
  readonly key: string
}

/** Returns tables with the same columns, each with a foreign key to the previous one. */
function tablesOf({ schema, tables, columns, types, key }: Names) {
  const all = columns.map((name, at) => ({
    name,
    type: types[at % types.length] ?? 'text',
    notNull: at % 2 === 0 || undefined,
  }))
  const relations = tables.map((name, at) => ({
    ...{ name, kind: 'table', columns: all },
    constraints: [
      { name: 'p', kind: 'primary_key', columns: columns.slice(0, 1) },
      ...(at === 0
        ? []
        : [
            {
              ...{ name: key, kind: 'foreign_key', columns: columns.slice(0, 1) },
              references: { schema, relation: tables[at - 1], columns: columns.slice(0, 1), ...ACTIONS },
            },
          ]),
    ],
  }))
  return snapshot({ schemas: [{ name: schema, relations: JSON.parse(JSON.stringify(relations)) }] })
}

const ACTIONS = { onUpdate: 'no_action', onDelete: 'no_action' }

const RESERVED = [
  ...[
    'erDiagram',
    'title',
    'accTitle',
    'accDescr',
    'direction',
    'LR',
    'TB',
    'classDef',
    'class',
    'style',
    'end',
    'graph',
  ],
  ...[
    'PK',
    'FK',
    'UK',
    'pk',
    'one',
    'zero',
    'many',
    'only',
    'or',
    'to',
    'optionally',
    'u',
    'o',
    'e',
    'constructor',
    '__proto__',
  ],
  ...[
    '%%',
    '%%{init: {}}%%',
    '---',
    '"',
    '""',
    "'",
    '`',
    '\\',
    ':::',
    '[a]',
    '(a)',
    '{',
    '}',
    '|o',
    '}o--||',
    '--',
    '..',
    ':',
  ],
  ...[
    '#quot;',
    '&lt;b&gt;',
    '<script>',
    '<br/>',
    '$$x$$',
    'a\nb',
    'a\r\nb',
    '\t',
    ' ',
    '  a',
    'a ',
    '🐘',
    '🧑‍🤝‍🧑',
    'שלום',
    '表',
    'é',
  ],
  ...[
    '\u0001',
    '\u200b',
    '\u202e',
    '\u2028',
    '\ufeff',
    '1',
    '1a',
    '-',
    '_',
    '*',
    'a-b',
    'a.b',
    'a;b',
    'click',
    'href',
    'subgraph',
  ],
  ...[
    'x'.repeat(63),
    '表'.repeat(21),
    '"'.repeat(63),
    'numeric(10,2)',
    'timestamp with time zone',
    'app."Mood Swing"[]',
  ],
]

const name = fc.oneof(
  fc.constantFrom(...RESERVED),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 63 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
)
const list = (minLength: number, maxLength: number) => fc.uniqueArray(name, { minLength, maxLength })

/** Asserts that a diagram contains everything about such tables. */
async function expectWhole(names: Names): Promise<void> {
  const found = await readDiagram(schemaMermaid(tablesOf(names)))
  expect(found.entities).toHaveLength(names.tables.length)
  for (const { attributes } of found.entities) {
    expect(attributes).toHaveLength(names.columns.length)
    expect(attributes[0]?.keys).toContain('PK')
  }
  expect(found.relationships).toHaveLength(names.tables.length - 1)
  for (const { relSpec } of found.relationships)
    expect(relSpec).toMatchObject({ cardA: 'ONLY_ONE', cardB: 'ZERO_OR_ONE' })
}

describe("Mermaid's parser", () => {
  it.each(RESERVED.map(one => [JSON.stringify(one), one]))('accepts %s as any name', async (_, one) => {
    const others = { schema: one, columns: [one, 'other'], types: [one], key: one }
    await expectWhole({ tables: [one, `${one}2`], ...others })
    await expectWhole({ ...others, tables: [one], schema: 'public' })
  })

  it('accepts any names that a server has, and keeps each table, column and key', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ schema: name, tables: list(1, 6), columns: list(1, 8), types: list(1, 3), key: name }),
        expectWhole,
      ),
      { numRuns: 200 },
    )
  })

  it('accepts a diagram that says that it is too large to be drawn by default', async () => {
    const tables = Array.from({ length: 520 }, (_, at) => `table_${at}`)
    const text = schemaMermaid(tablesOf({ schema: 'public', tables, columns: ['id'], types: ['integer'], key: 'k' }))
    expect(text).toMatch(/^%% This is more than Mermaid draws by default .*\n%% Narrow it with --schema/)
    expect((await readDiagram(text)).entities).toHaveLength(520)
  })
})
