/**
 * The routes of schemas in the datasources dialect: introspect now, read the schema, compare two snapshots.
 * Each maps to one or two procedures and decides nothing.
 */
import { PartText } from '#server/api/schemas/reader/snapshot-reader.ts'
import type { Call, Route } from '#server/rest/dialect.ts'
import { IDS, SCHEMAS } from '#server/rest/openapi/examples.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import {
  DriftObject,
  DriftQuery,
  IntrospectBody,
  SchemaObject,
  SchemaQuery,
  SchemaSnapshotObject,
} from '#shared/dialects/schema-dialect.ts'
import { Fault } from '#shared/faults/fault.ts'
import { SnapshotId, type SnapshotSummary } from '#shared/schemas/introspection.ts'
import { pathId } from './datasource-object.ts'
import { documentedId, strictRoute } from './strict.ts'

const PATH = '/v1/datasources/:id'

const params = documentedId('a datasource', IDS.datasource)
const seconds = (at: string) => Math.floor(Date.parse(at) / 1000)

type DisplayedSummary = Pick<PartText['summary'], 'tables' | 'findings' | 'hidden'>

function present(summary: SnapshotSummary, { tables, findings, hidden }: DisplayedSummary) {
  return {
    id: summary.id,
    datasource: summary.datasourceId,
    fingerprint: summary.fingerprint,
    table_count: tables.length,
    tables,
    previous: summary.previousId,
    drift: summary.drift,
    findings,
    hidden,
    taken: seconds(summary.takenAt),
    seen: seconds(summary.seenAt),
  }
}

const introspect = strictRoute({
  method: 'post',
  path: `${PATH}/introspect`,
  operationId: 'introspectDatasource',
  summary: 'Introspect a datasource now',
  description: 'An unverified datasource is verified first, within the same 30 s; a rejected one is a conflict.',
  params,
  body: { schema: IntrospectBody, examples: { some: { schemas: ['app'] } }, isOptional: true },
  answers: { 200: { description: 'What was found.', schema: SchemaSnapshotObject, example: SCHEMAS.snapshot } },
  faults: ['entity_not_found', 'conflict', 'introspection_failed', 'database_unreachable', 'timeout'],
  async run(call, { body }) {
    const schemas = body.schemas === undefined ? {} : { schemas: body.schemas }
    const found = await call.caller.snapshots.introspect({ id: pathId(call), ...schemas })
    return { status: 200, body: { object: 'schema_snapshot', ...present(found.snapshot, found) } }
  },
})

/** In this process a part of a snapshot is a text; only remote callers read its fields. */
function textOf(content: unknown): PartText {
  if (content instanceof PartText) return content
  throw new Error('a snapshot is no text')
}

const read = strictRoute({
  method: 'get',
  path: `${PATH}/schema`,
  operationId: 'getSchema',
  summary: 'Read the schema',
  description: 'The latest snapshot: whole, one schema of it, or one table.',
  params,
  query: SchemaQuery,
  answers: { 200: { description: 'The schema.', schema: SchemaObject, example: SCHEMAS.schema } },
  faults: ['invalid_request', 'entity_not_found'],
  async run(call, { query }) {
    const { id: snapshotId } = await call.caller.snapshots.latest({ id: pathId(call) })
    const { summary, content } = await call.caller.snapshots.get({ snapshotId, ...query })
    const { summary: told, schemas } = textOf(content)
    return { status: 200, body: { object: 'schema', ...present(summary, told), schemas } }
  },
})

const compare = strictRoute({
  method: 'get',
  path: `${PATH}/schema/drift`,
  operationId: 'getSchemaDrift',
  summary: 'What changed between two snapshots',
  description: 'By default, `to` is the latest snapshot and `from` the one before it.',
  params,
  query: DriftQuery,
  answers: { 200: { description: 'The changes.', schema: DriftObject, example: SCHEMAS.drift } },
  faults: ['invalid_request', 'entity_not_found'],
  async run(call, { query }) {
    const pair = await pairOf(call, pathId(call), query)
    return { status: 200, body: { object: 'schema_drift', ...(await call.caller.snapshots.drift(pair)) } }
  },
})

/** The two snapshots to compare, both of the datasource in the path. */
async function pairOf(call: Call, id: DatasourceId, query: { from?: string | undefined; to?: string | undefined }) {
  const to = query.to === undefined ? (await call.caller.snapshots.latest({ id })).id : snapshotId(query.to)
  const { summary } = await call.caller.snapshots.get({ snapshotId: to, schema: '' })
  const from = query.from === undefined ? summary.previousId : snapshotId(query.from)
  if (from === null || summary.datasourceId !== id) throw new Fault('entity_not_found')
  return { from, to }
}

/** A malformed id is not found, like an unknown one. */
function snapshotId(text: string) {
  const parsed = SnapshotId.safeParse(text)
  if (!parsed.success) throw new Fault('entity_not_found')
  return parsed.data
}

/** The routes of this file. */
export const schemaRoutes: readonly Route[] = [introspect, read, compare]
