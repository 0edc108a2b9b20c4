/**
 * The contract between the web tier, which submits tasks, and the worker, which performs them: for each kind of
 * one-time task, its sealed payload, its outcome, and how long it is kept. Both tiers parse only with these schemas.
 *
 * During an upgrade, web processes and workers of the two releases meet: new fields are optional, and no field is
 * removed. A change that no new field can express gets a new version, which the workers support before any web tier
 * uses it.
 */
import { z } from 'zod'
import { Secret } from '#server/domain/access/sealed.ts'
import { Lease } from '#shared/access/lease.ts'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { Validation } from '#shared/checks/validation.ts'
import { TaskFault } from '#shared/faults/task-fault.ts'
import { PushOutcome } from '#shared/feeds/feed.ts'

/** The version that is sealed into a payload. The last release wrote none, and its workers ignore it. */
export const PAYLOAD_VERSION = 1

/** Longer than any caller waits, so that a late worker still finds the task of a caller who has gone. */
const KEPT_MS = 600_000

const version = z.literal(PAYLOAD_VERSION).default(PAYLOAD_VERSION)

/**
 * Runs the checklist on a string that nobody has registered; without a payload, on the datasource that the task names.
 */
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

/** Seals the current credential to the key of the holder of an operator's capability. */
const lease = {
  payload: z.object({
    version,
    token: z.string(),
    publicKey: z.base64(),
    ttlSeconds: z.number().int().min(1).max(3600),
    datasourceId: DatasourceId,
    /** After this time nobody waits for the answer any more, and nothing is leased. Unix milliseconds. */
    notAfter: z.number(),
    requestId: z.string().nullable(),
    address: z.string().nullable(),
  }),
  outcome: z.union([z.object({ lease: Lease }), TaskFault]),
  keptMs: KEPT_MS,
}

/** Verifies the signature of a push over its exact bytes, and stores its events. */
const push = {
  payload: z.object({
    version,
    body: z.string(),
    id: z.string().nullable(),
    timestamp: z.string().nullable(),
    signature: z.string().nullable(),
    /**
     * Set for a push that no key authorizes: its sender, for the audit event that the web tier would write for a key.
     */
    keyless: z.object({ requestId: z.string(), address: z.string().nullable() }).optional(),
  }),
  outcome: PushOutcome,
  keptMs: KEPT_MS,
}

/**
 * Every kind that is requested with a payload and awaited. The others are standing tasks, whose row contains
 * everything.
 */
export const CONTRACT = { validate, introspect, lease, push } as const

/** A kind of task whose outcome a caller awaits. */
export type AskedKind = keyof typeof CONTRACT
/** A task's payload as the web tier writes it. */
export type AskedPayload<K extends AskedKind> = Omit<z.input<(typeof CONTRACT)[K]['payload']>, 'version'>
/** A task's payload as the worker reads it. */
export type TaskPayload<K extends AskedKind> = z.output<(typeof CONTRACT)[K]['payload']>
/** A task's outcome. */
export type TaskOutcome<K extends AskedKind> = z.output<(typeof CONTRACT)[K]['outcome']>
