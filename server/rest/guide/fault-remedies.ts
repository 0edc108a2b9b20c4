/**
 * The remedy for each fault: the second half of its section at `/docs/faults` and in `docs/faults.md`, after the
 * message that callers get. Total: a code without a remedy does not compile. It is never part of an answer.
 */
import type { FaultCode } from '#shared/faults/fault.ts'

/** The remedies, by code: Markdown of one paragraph. */
export const REMEDIES: Readonly<Record<FaultCode, string>> = {
  invalid_body:
    'Read `param` (datasources dialect), `detail[].loc` (connections dialect) or `issues[].path` (tRPC) and correct that field. The datasources dialect accepts no unknown field.',
  narrow_scope_required:
    'Add `operations`, such as `["datasources.read"]`. `wideScope: true` grants everything that the key may do, except leases.',
  invalid_participant_kind: 'Send `participantKind: "agent"` or `"system"`, or leave it out.',
  invalid_json: 'Send one JSON object in UTF-8. The position of the error is in the answer of the connections dialect.',
  invalid_request: 'Correct the parameter or header that `param` or `issues[].path` names.',
  apikey_missing: 'Set one of the two headers. A browser may need the origin to be allowed: `MOORING_CORS_ORIGINS`.',
  apikey_invalid:
    'Compare the last four characters with those in `GET /v1/api_keys`, and check the installation: a key is valid at one only. Create a new one with `POST /v1/api_keys` or `npm run -s mooring -- keys create`.',
  apikey_expired: 'Create a new key with another key of the organization, or with `npm run -s mooring -- keys create`.',
  apikey_revoked: 'Create a new key. `GET /v1/audit_events?action=key.revoked` shows who revoked it.',
  capability_invalid: 'Mint another one with `POST /v1/capabilities`, or rotate it before it expires.',
  capability_scope_denied: 'Mint a capability that names the operation and, if it names datasources, this datasource.',
  forbidden:
    'Use a key with the scope, of the mode of the datasource: `sk_live_…` for `ds_…`, `sk_test_…` for `ds_test_…`.',
  byo_host_not_allowed:
    'Give the external host of the database. For databases inside your own network, the operator opens it with `MOORING_ALLOWED_NETWORKS`, on web and worker.',
  byo_role_cannot_enforce_rls:
    'Apply the `fix` of each failed check, or create a new role with `GET /v1/role_sql` and register its connection string.',
  byo_role_unreadable: 'Allow the role to read `pg_catalog`, as every role may in a new database, and verify again.',
  authentication_failed:
    'Log in with the same string in `psql`. Percent-encode the characters of the password that a URI requires, such as `@` as `%40`; then rotate. After ten refused logins, new credentials wait for 15 minutes.',
  authentication_unsafe:
    "Set `password_encryption = 'scram-sha-256'` and the role's password again, or put TLS in front of it.",
  tls_failed:
    'Read the `fix` of the check `tls`: it names the certificate that the server sent. Send its CA as `caCertificate`, or use `sslmode=require`.',
  database_not_found: 'Check the name behind the last slash of the string, and `grant connect on database … to …`.',
  schema_not_found: 'Create the schema, `grant usage on schema … to …`, or change `schema` with `PATCH`.',
  schema_conflict: 'Leave `?schema=` or `?currentSchema=` out of the string, or name the same one in both.',
  server_unsupported: 'Upgrade the server. Databases that only speak the protocol of PostgreSQL are not supported.',
  server_misbehaved: 'Check the host and port: 5432 is usual, and a pooler has its own.',
  database_unreachable:
    'Open the firewall for the addresses in `GET /v1/egress`, and check that the server runs. The check is repeated automatically.',
  endpoint_unavailable: 'Look at the log of the endpoint. Requests to it are retried with growing pauses.',
  endpoint_misbehaved:
    'Make it answer POST requests of type `events` with 200 and JSON, as `mooring-client/endpoint` does.',
  signature_refused:
    'Compare `key_last4` with the key that the endpoint holds, and set the same one on both sides with `POST /v1/datasources/{id}/rotate_key`.',
  endpoint_clock_off: 'Synchronize the clock of the endpoint with NTP; five minutes of difference are allowed.',
  endpoint_key_missing: 'Put the signing key into the configuration of the endpoint and restart it.',
  projection_mismatch: 'Send the host, port and database that the sealed string contains.',
  credential_unreadable:
    'Rotate to the same string. As an operator, check that the worker has the keyring with which the credential was sealed.',
  introspection_failed:
    'Try again when no migration holds locks; if the schema is too large, `issues[0].ctx` names the limit: request fewer schemas.',
  entity_not_found:
    'Check the id and its prefix. Removed objects and objects of other organizations are not found either.',
  capability_not_found: 'Check the id. Capabilities of other organizations are not found either.',
  route_not_found: 'Compare the path with the reference at `/docs`.',
  method_not_allowed: 'Use a method of the `Allow` header.',
  conflict:
    'Read the object again and look at `status` and `status_reason`, or at the field that `param` names; then retry if it still applies.',
  target_changed: 'Set `allowMove: true` (`allow_move` in the connections dialect) if the move is intended.',
  ca_certificate_required: 'Send the string and its certificate together, or `caCertificate: null` for public ones.',
  idempotency_conflict: 'Use one key for each request, and reuse it only for the same body.',
  payload_too_large: 'Send less: at most 64 KiB, or 1 MiB for a push of events.',
  response_too_large: 'Name one schema or one table: `?schema=…&table=…`.',
  unsupported_media_type: 'Set `Content-Type: application/json`.',
  resource_limit_reached:
    'Remove objects that are not needed. An operator can raise the limit with `MOORING_MAX_DATASOURCES` and similar settings.',
  rate_limit_exceeded: 'Wait for `Retry-After` seconds. `RateLimit` in each answer shows how much is left.',
  internal_error: 'Retry once. As an operator, find `requestId` in the log.',
  service_unavailable: 'Retry after `Retry-After`. As an operator, look at `/readyz`: it names the problem.',
  organization_moving: 'Retry after `Retry-After`; reads still work.',
  organization_moved: 'Change the base address of your client; keys stay as they are.',
  outcome_unknown: 'Read or list first, or retry with the same `Idempotency-Key`, which does nothing twice.',
  timeout:
    'Ask again: a read, or a retry with the same `Idempotency-Key`, returns the result as soon as it is available.',
}
