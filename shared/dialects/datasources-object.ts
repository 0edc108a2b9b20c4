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
      '`unverified` until the checklist has been walked, then `active` or `rejected`. An `active` one that a check refuses is checked twice more, and not used meanwhile, before it is `rejected`.',
    ),
  livemode: z.boolean().describe('True when a live key registered it.'),
  metadata: Metadata,
  created: seconds.describe('When it was registered, in Unix seconds.'),
  name: z.string().describe('What people call it; `display_name` where nobody has named it.'),
  status_reason: z
    .string()
    .nullable()
    .describe('The fault code that says why it is not active, or what troubles it while it is; else null.'),
  checks: z.array(Check).describe('The checklist as it was last walked; empty before that.'),
  advisories: z
    .array(Advisory)
    .describe(
      'What is allowed and worth changing: in what the last check found, and in the string that this very call brought.',
    ),
  verified_at: seconds.nullable().describe('When a check last passed, in Unix seconds; null before that.'),
  next_check_at: seconds.nullable().describe('When the next check is due, in Unix seconds; null where none is.'),
  updated_at: seconds.describe(
    "When something shown here was last changed, in Unix seconds, other than dates of checks and the state of an endpoint's feed. For `updated_since` of the list.",
  ),
  credential_version: z.number().int().describe('Counts the credentials that were in force, from 1.'),
  credential_fingerprint: z
    .string()
    .nullable()
    .describe(
      'Changes when the credential does, and says nothing of it. Null until the worker has opened a sealed one.',
    ),
}

const Direct = z
  .object({
    ...both,
    connection: z.literal('direct').describe('Reached by a connection string.'),
    provider: z.literal('postgresql').describe('Always `postgresql`.'),
    host: z.string().describe('For display.'),
    database: z.string().describe('For display.'),
    schema: z.string().describe('The schema of the synced tables.'),
    display_name: z.string().describe('One line without a credential.'),
  })
  .meta({ id: 'DirectDatasource', description: 'A database that is reached by a connection string.' })

const Endpoint = z
  .object({
    ...both,
    connection: z.literal('endpoint').describe('Reached by signed HTTPS requests.'),
    environment: Mode.describe('`live` or `test`.'),
    endpoint: z.string().describe('The URL that signed requests go to.'),
    key_last4: z
      .string()
      .nullable()
      .describe('The last four characters of the signing key, of the new one from the moment it is given.'),
    cursor: z.string().nullable().describe('How far its events have been read.'),
    event_lag: z.number().int().describe('How many seconds the newest event that was read lies behind.'),
    retry_count: z.number().int().describe('Failed requests in a row.'),
    last_request_at: seconds.nullable().describe('When it was last asked, in Unix seconds.'),
    last_success_at: seconds.nullable().describe('When it last answered as it should, in Unix seconds.'),
    last_error: z.string().nullable().describe("The last failure in one of Mooring's sentences; null after a success."),
  })
  .meta({ id: 'EndpointDatasource', description: 'A database behind a signed HTTPS endpoint.' })

/** The datasource object. A field of the other kind is absent, not null. */
export const DatasourceObject = z
  .discriminatedUnion('connection', [Direct, Endpoint])
  .meta({ id: 'Datasource', description: "A customer's registered database." })
export type DatasourceObject = z.output<typeof DatasourceObject>

/** Answer of `GET /v1/datasources`. */
export const DatasourceList = z
  .object({
    object: z.literal('list').describe('Always `list`.'),
    data: z.array(DatasourceObject).describe('Newest first.'),
    has_more: z.boolean().describe('True when there are more in the direction that was asked for.'),
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
            id: z.uuid().describe('For `starting_after`.'),
            created: seconds.describe('When it ended, in Unix seconds.'),
            verdict: Verification.shape.verdict.describe(
              '`passed`; `refused`, which a person has to mend; or `unreachable`, which is tried again.',
            ),
            reason: z.string().nullable().describe('The fault code of what failed first; null where nothing did.'),
            checks: z.array(Check).describe('The checklist as it was walked.'),
            advisories: z.array(Advisory).describe('What is allowed and worth changing.'),
            took_ms: z.number().int().describe('How long it took, in milliseconds.'),
            credential_version: z.number().int().describe('The credential that was tried.'),
          })
          .meta({ id: 'Verification', description: 'What one check found.' }),
      )
      .describe('Newest first.'),
    has_more: z.boolean().describe('True when there are older ones.'),
  })
  .meta({ id: 'VerificationList', description: 'A page of the verifications of a datasource.' })

/** Answer of `DELETE /v1/datasources/{id}`. */
export const DeletedDatasource = z
  .object({
    object: z.literal('datasource').describe('Always `datasource`.'),
    id: z.string().describe('The id that it had.'),
    deleted: z.literal(true).describe('Always true.'),
  })
  .meta({ id: 'DeletedDatasource', description: 'What is left of a removed datasource.' })

const Failure = z.object({
  item: CheckItem.describe('The line of the checklist that failed.'),
  actual: z.string().optional().describe('What was seen, in our words.'),
  fix: z.string().describe('What a person does about it; often SQL to paste.'),
})

/** Answer of `POST /v1/datasources/validate`. */
export const DatasourceValidation = z
  .object({
    object: z.literal('datasource_validation').describe('Always `datasource_validation`.'),
    connection: z.literal('direct').describe('Always `direct`.'),
    reachable: z.boolean().describe('A connection came about.'),
    ready: z.boolean().describe('Nothing failed: it could be registered as it is.'),
    reason: z.string().optional().describe('The fault code of what failed first.'),
    failures: z.array(Failure).describe('What must change; empty when it is ready.'),
    advisories: z
      .array(
        z.object({
          item: z.string().describe('What it is about.'),
          recommendation: z.string().describe('What would be better.'),
        }),
      )
      .optional()
      .describe('What is allowed and worth changing; left out when there is nothing.'),
  })
  .meta({ id: 'DatasourceValidation', description: 'The verdict on a connection string that is not registered.' })

const faults: readonly FaultSpec[] = Object.values(FAULTS)

/** Answer of `DELETE /v1/datasources?confirm=true`. */
export const DisconnectedDatasources = z
  .object({
    object: z.literal('datasource_disconnected').describe('Always `datasource_disconnected`.'),
    cleared: z
      .object({
        direct: z.number().int().describe('How many were direct.'),
        endpoints: z.number().int().describe('How many were signed endpoints.'),
      })
      .describe('What was removed.'),
  })
  .meta({ id: 'DisconnectedDatasources', description: 'All datasources of the mode are removed.' })

/** Every error of this dialect. */
export const DatasourcesError = z
  .object({
    type: z
      .enum([...new Set(faults.map(({ status, datasourcesStatus }) => errorTypeOf(datasourcesStatus ?? status)))])
      .describe('The class of the error, which follows from the status.'),
    code: z.string().describe('The fault, one of the table at `/docs/faults`; stable.'),
    aliases: z
      .array(z.string())
      .optional()
      .describe('Newer documented spellings of the same code; left out where there is none.'),
    message: z.string().describe('A sentence for a person. It never quotes the request.'),
    param: z.string().optional().describe('The path of the field, parameter or header that is not acceptable.'),
    doc_url: z.url().describe('The entry in the fault table.'),
    request_id: z.string().describe('The same as the `x-request-id` header; quote it when you report a problem.'),
  })
  .meta({ id: 'DatasourcesError', description: 'An error of the datasources dialect.' })
