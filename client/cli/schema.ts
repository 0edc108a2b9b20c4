/**
 * The callers' commands for schemas: `schema drift`, `schema types`, `schema sql`, `schema mermaid`. They speak tRPC
 * like any caller, with a key of their own, and get their settings as arguments.
 */
import { writeFile } from 'node:fs/promises'
import { narrowed } from '#client/cli/schema/narrow.ts'
import { createClient } from '#client/index.ts'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { printable, printableJson, printableMarkdown } from '#shared/base/printable.ts'
import type { Change } from '#shared/schemas/drift/drift.ts'
import { SnapshotId } from '#shared/schemas/introspection.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import type { CallerCommand, CallerSettings, Invocation } from './caller-command.ts'
import { JSON_OPTION, type OptionSpec } from './described.ts'
import { schemaMermaid } from './schema-mermaid.ts'
import { schemaSql } from './schema-sql.ts'
import { schemaTypes } from './schema-types.ts'

function datasourceOf(invocation: Invocation): DatasourceId {
  const id = DatasourceId.safeParse(invocation.operands[0])
  if (!id.success)
    throw new Error('Name the datasource: ds_ or ds_test_ and 32 hex digits, as datasources list prints it.')
  return id.data
}

function snapshotOption(invocation: Invocation, name: string): SnapshotId | undefined {
  const given = invocation.options[name]
  if (given === undefined) return undefined
  const id = SnapshotId.safeParse(given)
  if (!id.success) throw new Error(`--${name} must be snap_ and 32 hex digits.`)
  return id.data
}

async function drift(settings: CallerSettings, invocation: Invocation): Promise<number> {
  const client = createClient(settings)
  const id = datasourceOf(invocation)
  const to = snapshotOption(invocation, 'to') ?? (await client.snapshots.latest.query({ id })).id
  const { summary } = await client.snapshots.get.query({ snapshotId: to, schema: '' })
  const from = snapshotOption(invocation, 'from') ?? summary.previousId
  if (from === null) {
    const nothing = { from, to, counts: { breaking: 0, risky: 0, safe: 0 }, notes: [], changes: [] }
    const sentence = 'There is only one snapshot, so there is nothing to compare.'
    invocation.print(invocation.options['json'] === true ? printableJson(nothing) : sentence)
    return 0
  }
  const found = await client.snapshots.drift.query({ from, to })
  if (invocation.options['json'] === true) invocation.print(printableJson(found))
  else for (const line of [...found.notes, ...driftLines(found.changes)]) invocation.print(line)
  return found.counts.breaking > 0 ? 1 : 0
}

const SIGN = { added: '+', removed: '-', changed: '~' } as const

/**
 * Formats the changes for people, in a terminal or in a comment on a pull request. The names come from a customer's
 * server.
 */
function driftLines(changes: readonly Change[]): string[] {
  if (changes.length === 0) return ['Nothing has changed.']
  return changes.map(change => {
    const place = change.path.map(named).join('.')
    const what = change.what === undefined ? '' : ` (${printableMarkdown(change.what)})`
    const [kind, reason] = [printableMarkdown(change.object), printableMarkdown(change.reason)]
    return `${change.class.padEnd(8)} ${SIGN[change.kind]} ${kind} ${place}${what}: ${reason}`
  })
}

/** Quotes a name that is not a plain word, so that a dot or a colon in it is not mistaken for a separator. */
function named(name: string): string {
  return /^[\p{L}\p{N}_$]+$/u.test(name) ? printable(name) : printableMarkdown(`"${name.replaceAll('"', '""')}"`)
}

function textOption(invocation: Invocation, name: string): string | undefined {
  const given = invocation.options[name]
  return typeof given === 'string' ? given : undefined
}

function printed(format: (snapshot: Snapshot, whole: Snapshot) => string) {
  return async (settings: CallerSettings, invocation: Invocation): Promise<number> => {
    const client = createClient(settings)
    const { id: snapshotId } = await client.snapshots.latest.query({ id: datasourceOf(invocation) })
    const { content } = await client.snapshots.get.query({ snapshotId })
    const part = { schema: textOption(invocation, 'schema'), table: textOption(invocation, 'table') }
    const text = format(narrowed(content, part), content)
    const out = textOption(invocation, 'out')
    if (out !== undefined) await writeFile(out, text)
    else invocation.print(text.trimEnd())
    return 0
  }
}

const DATASOURCE = { name: 'ID', isRequired: true, about: 'the datasource: ds_… or ds_test_…' } as const
const PART: readonly OptionSpec[] = [
  { name: 'schema', value: 'NAME', about: 'only this schema' },
  { name: 'table', value: 'NAME', about: 'this table, with its neighbours' },
  { name: 'out', value: 'FILE', completes: 'files', about: 'writes to a file instead of standard output' },
]

/** Creates a command that prints the newest schema, or a part of it. */
function writes(word: string, about: string, format: (snapshot: Snapshot, whole: Snapshot) => string): CallerCommand {
  const described = { words: ['schema', word], operands: [DATASOURCE], options: PART, failureStatus: FAILED, about }
  return { ...described, run: printed(format) }
}

/** Exit status 1 is reserved: with it, `schema drift` reports a breaking change to a script. */
const FAILED = 2

/** All schema commands, in the order of the usage text. */
export const schemaCommands: readonly CallerCommand[] = [
  {
    words: ['schema', 'drift'],
    operands: [DATASOURCE],
    options: [
      { name: 'from', value: 'SNAPSHOT', about: 'the older snapshot: snap_…; default: the one before' },
      { name: 'to', value: 'SNAPSHOT', about: 'the newer snapshot: snap_…; default: the newest' },
      JSON_OPTION,
    ],
    failureStatus: FAILED,
    about: 'prints what changed since the previous snapshot; exit status 1 for a breaking change, 2 on failure',
    run: drift,
  },
  writes('types', 'writes a Kysely Database interface for the schema', schemaTypes),
  writes(
    'sql',
    'writes the schema as SQL that runs in an empty database; a table comes with its neighbours',
    schemaSql,
  ),
  writes('mermaid', 'writes an entity-relationship diagram for Mermaid', schemaMermaid),
]
