/**
 * The caller commands on schemas: `schema drift`, `schema types`, `schema sql`, `schema mermaid`. They speak tRPC like any
 * caller, with a key of their own, and get their settings as arguments.
 */
import { writeFile } from 'node:fs/promises'
import { narrowed } from '#client/cli/schema/narrow.ts'
import { createClient } from '#client/index.ts'
import { printable, printableJson, printableMarkdown } from '#shared/base/printable.ts'
import { DatasourceId } from '#shared/base/wire.ts'
import type { Change } from '#shared/schemas/drift/drift.ts'
import { SnapshotId } from '#shared/schemas/introspection.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { schemaMermaid } from './schema-mermaid.ts'
import { schemaSql } from './schema-sql.ts'
import { schemaTypes } from './schema-types.ts'

/** Which installation to call, and with which key. */
export interface Settings {
  readonly url: string
  readonly key: string
}

/** What follows the command's words, and where lines go. */
export interface Invocation {
  readonly operands: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | string[] | undefined>>
  readonly print: (line: string) => void
}

/** One command; `run` returns the exit status. */
export interface CallerCommand {
  readonly words: readonly string[]
  readonly synopsis: string
  readonly about: string
  run(settings: Settings, invocation: Invocation): Promise<number>
}

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

async function drift(settings: Settings, invocation: Invocation): Promise<number> {
  const client = createClient(settings)
  const id = datasourceOf(invocation)
  const to = snapshotOption(invocation, 'to') ?? (await client.snapshots.latest.query({ id })).id
  const { summary } = await client.snapshots.get.query({ snapshotId: to, schema: '' })
  const from = snapshotOption(invocation, 'from') ?? summary.previousId
  if (from === null) {
    const nothing = { from, to, counts: { breaking: 0, risky: 0, safe: 0 }, notes: [], changes: [] }
    const sentence = 'There is one snapshot, and nothing to compare it with.'
    invocation.print(invocation.options['json'] === true ? printableJson(nothing) : sentence)
    return 0
  }
  const found = await client.snapshots.drift.query({ from, to })
  if (invocation.options['json'] === true) invocation.print(printableJson(found))
  else for (const line of [...found.notes, ...driftLines(found.changes)]) invocation.print(line)
  return found.counts.breaking > 0 ? 1 : 0
}

const SIGN = { added: '+', removed: '-', changed: '~' } as const

/** The changes as lines for people, in a terminal or in a comment on a change: names are a customer's server's. */
function driftLines(changes: readonly Change[]): string[] {
  if (changes.length === 0) return ['Nothing has changed.']
  return changes.map(change => {
    const place = change.path.map(named).join('.')
    const what = change.what === undefined ? '' : ` (${printableMarkdown(change.what)})`
    const [kind, reason] = [printableMarkdown(change.object), printableMarkdown(change.reason)]
    return `${change.class.padEnd(8)} ${SIGN[change.kind]} ${kind} ${place}${what}: ${reason}`
  })
}

/** In quotes where it is no plain word, so that a dot or a colon in it is not taken for one of the line. */
function named(name: string): string {
  return /^[\p{L}\p{N}_$]+$/u.test(name) ? printable(name) : printableMarkdown(`"${name.replaceAll('"', '""')}"`)
}

function textOption(invocation: Invocation, name: string): string | undefined {
  const given = invocation.options[name]
  return typeof given === 'string' ? given : undefined
}

function printed(spell: (snapshot: Snapshot, whole: Snapshot) => string) {
  return async (settings: Settings, invocation: Invocation): Promise<number> => {
    const client = createClient(settings)
    const { id: snapshotId } = await client.snapshots.latest.query({ id: datasourceOf(invocation) })
    const { content } = await client.snapshots.get.query({ snapshotId })
    const part = { schema: textOption(invocation, 'schema'), table: textOption(invocation, 'table') }
    const text = spell(narrowed(content, part), content)
    const out = textOption(invocation, 'out')
    if (out !== undefined) await writeFile(out, text)
    else invocation.print(text.trimEnd())
    return 0
  }
}

/** All of them, in the order of the usage text. */
export const schemaCommands: readonly CallerCommand[] = [
  {
    words: ['schema', 'drift'],
    synopsis: 'schema drift ID [--from SNAPSHOT] [--to SNAPSHOT] [--json]',
    about: 'prints what changed since the snapshot before; exit status 1 when something breaks, 2 when it fails',
    run: drift,
  },
  {
    words: ['schema', 'types'],
    synopsis: 'schema types ID [--schema NAME] [--table NAME] [--out FILE]',
    about: 'writes a Kysely Database interface for the schema',
    run: printed(schemaTypes),
  },
  {
    words: ['schema', 'sql'],
    synopsis: 'schema sql ID [--schema NAME] [--table NAME] [--out FILE]',
    about: 'writes the schema as SQL that runs in an empty database; a table comes with its neighbours',
    run: printed(schemaSql),
  },
  {
    words: ['schema', 'mermaid'],
    synopsis: 'schema mermaid ID [--schema NAME] [--table NAME] [--out FILE]',
    about: 'writes an entity-relationship diagram for Mermaid',
    run: printed(schemaMermaid),
  },
]
