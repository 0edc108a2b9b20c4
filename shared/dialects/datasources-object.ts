/**
 * The answers of the datasources dialect: the datasource object, lists, verdicts and errors, field by field as its
 * contract documents them. No shape here has a field for a credential.
 */

import { z } from 'zod'
import { Mode } from '#shared/base/wire.ts'
import { Advisory, Check, CheckItem } from '#shared/checks/check.ts'
import { Verification } from '#shared/datasources/verification.ts'
import { FAULTS, type FaultSpec } from '#shared/faults/fault.ts'
import { errorTypeOf } from '#shared/faults/fault-names.ts'

const seconds = z.number().int().describe('Unix seconds.')

const Metadata = z
  .custom<Record<string, string>>()
  .meta({ type: 'object', additionalProperties: { type: 'string' }, description: "The caller's own labels, as given." })

const both = {
  object: z.literal('datasource').describe('Always `datasource`.'),
  id: z
    .string()
    .meta({ description: '`ds_…` direct live, `ds_test_…` direct sandbox, `dse_…` endpoint; 32 hex digits follow.' }),
  status: z
    .enum(['unverified', 'active', 'rejected'])
    .describe(
      '`unverified` until the first verification has completed, then `active` or `rejected`. If a check refuses an `active` one, it is checked twice more, and not used meanwhile, before it becomes `rejected`.',
    ),
  livemode: z.boolean().describe('True if a live key registered it.'),
  metadata: Metadata,
  created: seconds.describe('When it was registered, in Unix seconds.'),
  name: z.string().describe('The name for people; by default, `display_name`.'),
  status_reason: z
    .string()
    .nullable()
    .describe('The fault code for why it is not active, or for a problem that it has while active; else null.'),
  checks: z.array(Check).describe('The checklist of the last verification; empty before the first one.'),
  advisories: z
    .array(Advisory)
    .describe(
      'Properties that are allowed but should be changed, from the last check and from the string in this call.',
    ),
  verified_at: seconds.nullable().describe('When a check last passed, in Unix seconds; null before that.'),
  next_check_at: seconds.nullable().describe('When the next check is due, in Unix seconds; null if none is.'),
  updated_at: seconds.describe(
    "When any of these fields last changed, in Unix seconds, other than dates of checks and the state of an endpoint's feed. Used by `updated_since` of the list.",
  ),
  credential_version: z.number().int().describe('The number of credentials that have been in force, starting with 1.'),
  credential_fingerprint: z
    .string()
    .nullable()
    .describe(
      'Changes whenever the credential does, and reveals nothing about it. Null until the worker has opened a sealed one.',
    ),
}

const Direct = z
  .object({
    ...both,
    connection: z.literal('direct').describe('Reached with a connection string.'),
    provider: z.literal('postgresql').describe('Always `postgresql`.'),
    host: z.string().describe('For display.'),
    database: z.string().describe('For display.'),
    schema: z.string().describe('The schema of the synced tables.'),
    display_name: z.string().describe('One line without a credential.'),
  })
  .meta({ id: 'DirectDatasource', description: 'A database that is reached with a connection string.' })

const Endpoint = z
  .object({
    ...both,
    connection: z.literal('endpoint').describe('Reached with signed HTTPS requests.'),
    environment: Mode.describe('`live` or `test`.'),
    endpoint: z.string().describe('The URL that receives signed requests.'),
    key_last4: z
      .string()
      .nullable()
      .describe('The last four characters of the signing key; of a new key as soon as it is given.'),
    cursor: z.string().nullable().describe('The position up to which its events have been read.'),
    event_lag: z.number().int().describe('The age of the newest event read, in seconds.'),
    retry_count: z.number().int().describe('The number of consecutive failed requests.'),
    last_request_at: seconds.nullable().describe('When it last received a request, in Unix seconds.'),
    last_success_at: seconds.nullable().describe('When it last answered correctly, in Unix seconds.'),
    last_error: z.string().nullable().describe('The last failure, in a sentence of Mooring; null after a success.'),
  })
  .meta({ id: 'EndpointDatasource', description: 'A database behind a signed HTTPS endpoint.' })

/** The datasource object. A field that belongs to the other kind is absent, not null. */
export const DatasourceObject = z
  .discriminatedUnion('connection', [Direct, Endpoint])
  .meta({ id: 'Datasource', description: "A customer's registered database." })
export type DatasourceObject = z.output<typeof DatasourceObject>

/** Answer of `GET /v1/datasources`. */
export const DatasourceList = z
  .object({
    object: z.literal('list').describe('Always `list`.'),
    data: z.array(DatasourceObject).describe('Newest first.'),
    has_more: z.boolean().describe('True if there are more items in the requested direction.'),
  })
  .meta({ id: 'DatasourceList', description: 'A page of datasources, or all of them.' })

/** Answer of `GET /v1/datasources/{id}/verifications`. */
export const VerificationList = z
  .object({
    object: z.literal('list').describe('Always `list`.'),
    data: z
      .array(
        z
          .object({
            object: z.literal('verification').describe('Always `verification`.'),
            id: z.uuid().describe('The cursor for `starting_after`.'),
            created: seconds.describe('When it ended, in Unix seconds.'),
            verdict: Verification.shape.verdict.describe(
              '`passed`; `refused`, which a person must fix; or `unreachable`, which is retried.',
            ),
            reason: z.string().nullable().describe('The fault code of the first failure; null if there was none.'),
            checks: z.array(Check).describe('The lines of the checklist.'),
            advisories: z.array(Advisory).describe('Properties that are allowed but should be changed.'),
            took_ms: z.number().int().describe('The duration in milliseconds.'),
            credential_version: z.number().int().describe('The version of the checked credential.'),
          })
          .meta({ id: 'Verification', description: 'The result of one check.' }),
      )
      .describe('Newest first.'),
    has_more: z.boolean().describe('True if there are older items.'),
  })
  .meta({ id: 'VerificationList', description: 'A page of the verifications of a datasource.' })

/** Answer of `DELETE /v1/datasources/{id}`. */
export const DeletedDatasource = z
  .object({
    object: z.literal('datasource').describe('Always `datasource`.'),
    id: z.string().describe('The id of the removed datasource.'),
    deleted: z.literal(true).describe('Always true.'),
  })
  .meta({ id: 'DeletedDatasource', description: 'The record of a removed datasource.' })

const Failure = z.object({
  item: CheckItem.describe('The line of the checklist that failed.'),
  actual: z.string().optional().describe('The finding, in words of Mooring.'),
  fix: z.string().describe('The remedy, for people to read; often SQL to paste.'),
})

/** Answer of `POST /v1/datasources/validate`. */
export const DatasourceValidation = z
  .object({
    object: z.literal('datasource_validation').describe('Always `datasource_validation`.'),
    connection: z.literal('direct').describe('Always `direct`.'),
    reachable: z.boolean().describe('A connection was established.'),
    ready: z.boolean().describe('No check failed: it can be registered unchanged.'),
    reason: z.string().optional().describe('The fault code of the first failure.'),
    failures: z.array(Failure).describe('The failed checks; empty if it is ready.'),
    advisories: z
      .array(
        z.object({
          item: z.string().describe('The subject of the advisory.'),
          recommendation: z.string().describe('The recommended change.'),
        }),
      )
      .optional()
      .describe('Properties that are allowed but should be changed; omitted if there are none.'),
  })
  .meta({ id: 'DatasourceValidation', description: 'The verdict on a connection string that is not registered.' })

const faults: readonly FaultSpec[] = Object.values(FAULTS)

/** Answer of `DELETE /v1/datasources?confirm=true`. */
export const DisconnectedDatasources = z
  .object({
    object: z.literal('datasource_disconnected').describe('Always `datasource_disconnected`.'),
    cleared: z
      .object({
        direct: z.number().int().describe('The number of direct datasources.'),
        endpoints: z.number().int().describe('The number of signed endpoints.'),
      })
      .describe('The removed datasources, by kind.'),
  })
  .meta({ id: 'DisconnectedDatasources', description: 'All datasources of the mode were removed.' })

/** Every error of this dialect. */
export const DatasourcesError = z
  .object({
    type: z
      .enum([...new Set(faults.map(({ status, datasourcesStatus }) => errorTypeOf(datasourcesStatus ?? status)))])
      .describe('The class of the error, which depends on the status.'),
    code: z.string().describe('The code of the fault, from the table at `/docs/faults`; stable.'),
    aliases: z
      .array(z.string())
      .optional()
      .describe('Newer documented names of the same code; omitted if there are none.'),
    message: z.string().describe('A human-readable sentence. It never quotes the request.'),
    param: z.string().optional().describe('The path of the invalid field, parameter or header.'),
    doc_url: z.url().describe('The entry in the fault table.'),
    request_id: z.string().describe('The same as the `x-request-id` header; quote it when you report a problem.'),
  })
  .meta({ id: 'DatasourcesError', description: 'An error of the datasources dialect.' })
