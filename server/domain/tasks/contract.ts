/**
 * The contract between the web tier, which asks, and the worker, which does: of each kind of task that is done once, what is
 * sealed into it, how it ends, and how long it is kept. Both tiers parse with these schemas and with no others.
 *
 * While one release replaces another, the web of either meets the worker of the other: fields are added as optional ones and
 * none is taken away. A change that no new field can express gets another version, which the workers serve before any web tier asks it.
 */
import { z } from 'zod'
import { Secret } from '#server/domain/access/sealed.ts'
import { Lease } from '#shared/access/lease.ts'
import { DatasourceId } from '#shared/base/wire.ts'
import { Validation } from '#shared/checks/validation.ts'
import { TaskFault } from '#shared/faults/task-fault.ts'
import { PushOutcome } from '#shared/feeds/feed.ts'

/** The version that is sealed into a payload. The release before wrote none, and its workers pass it over. */
export const PAYLOAD_VERSION = 1

/** Longer than anybody waits, so that a task whose asker has gone is still found by a worker that is late. */
const KEPT_MS = 600_000

const version = z.literal(PAYLOAD_VERSION).default(PAYLOAD_VERSION)

/** Runs the checklist on a string that nobody registered; without a payload, on the datasource that the task names. */
const validate = {
  payload: z.object({ version, secret: Secret, schema: z.string().nullable(), dbType: z.string() }),
  outcome: Validation,
  keptMs: KEPT_MS,
}

/** Reads the schema of a datasource; null for all of its schemas. */
const introspect = {
  payload: z.object({ version, schemas: z.array(z.string()).nullable() }),
  outcome: z.union([z.object({ snapshotId: z.uuid(), changed: z.boolean() }), TaskFault]),
  keptMs: KEPT_MS,
}

/** Seals the credential in force to the key of whoever presents an operator's capability. */
const lease = {
  payload: z.object({
    version,
    token: z.string(),
    publicKey: z.base64(),
    ttlSeconds: z.number().int().min(1).max(3600),
    datasourceId: DatasourceId,
    /** After this nobody waits for the answer any more, and nothing is leased. Unix milliseconds. */
    notAfter: z.number(),
    requestId: z.string().nullable(),
    address: z.string().nullable(),
  }),
  outcome: z.union([z.object({ lease: Lease }), TaskFault]),
  keptMs: KEPT_MS,
}

/** Checks the signature of a push over its exact bytes, and stores its events. */
const push = {
  payload: z.object({
    version,
    body: z.string(),
    id: z.string().nullable(),
    timestamp: z.string().nullable(),
    signature: z.string().nullable(),
    /** Of a push that no key authorizes: who brought it, for the record that the web writes where a key does. */
    keyless: z.object({ requestId: z.string(), address: z.string().nullable() }).optional(),
  }),
  outcome: PushOutcome,
  keptMs: KEPT_MS,
}

/** Every kind that is asked for with a payload and awaited. The others are standing tasks, and their row says it all. */
export const CONTRACT = { validate, introspect, lease, push } as const

/** A kind of task whose outcome somebody awaits. */
export type AskedKind = keyof typeof CONTRACT
/** A task's payload as the web tier writes it. */
export type AskedPayload<K extends AskedKind> = Omit<z.input<(typeof CONTRACT)[K]['payload']>, 'version'>
/** A task's payload as the worker reads it. */
export type TaskPayload<K extends AskedKind> = z.output<(typeof CONTRACT)[K]['payload']>
/** How it ends. */
export type TaskOutcome<K extends AskedKind> = z.output<(typeof CONTRACT)[K]['outcome']>
