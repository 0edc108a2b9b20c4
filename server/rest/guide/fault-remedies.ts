/**
 * The remedy for each fault: the second half of its section at `/docs/faults` and in `docs/faults.md`, after the
 * message that callers get. Total: a code without a remedy does not compile. It is never part of an answer.
 */
import type { FaultCode } from '#shared/faults/fault.ts'

/** The remedies, by code: Markdown of one paragraph. */
export const REMEDIES: Readonly<Record<FaultCode, string>> = {
  invalid_body:
    'Read `param` (datasources dialect), `detail[].loc` (connections dialect) or `issues[].path` (tRPC) and correct that field. The datasources dialect takes no unknown field.',
  narrow_scope_required:
    'Add `operations`, such as `["datasources.read"]`. `wideScope: true` grants all that the key may do but the lease.',
  invalid_participant_kind: 'Send `participantKind: "agent"` or `"system"`, or leave it out.',
  invalid_json: 'Send one JSON object in UTF-8. The position of the error is in the answer of the connections dialect.',
  invalid_request: 'Correct the parameter or header that `param` or `issues[].path` names.',
  apikey_missing: 'Set one of the two headers. A browser may need the origin to be allowed: `MOORING_CORS_ORIGINS`.',
  apikey_invalid:
    'Compare the last four characters with those of `GET /v1/api_keys`, and the installation: a key is good at one. Make a new one with `POST /v1/api_keys` or `npm run -s mooring -- keys create`.',
  apikey_expired: 'Make a new key with another key of the organization, or with `npm run -s mooring -- keys create`.',
  apikey_revoked: 'Make a new key. `GET /v1/audit_events?action=key.revoked` says who revoked it.',
  capability_invalid: 'Mint another one with `POST /v1/capabilities`, or rotate it before it ends.',
  capability_scope_denied: 'Mint a capability that names the operation, and the datasource where it names any.',
  forbidden:
    'Use a key with the scope, of the mode of the datasource: `sk_live_…` for `ds_…`, `sk_test_…` for `ds_test_…`.',
  byo_host_not_allowed:
    'Give the external host of the database. For databases inside your own network, the operator opens it with `MOORING_ALLOWED_NETWORKS`, on web and worker.',
  byo_role_cannot_enforce_rls:
    'Run the `fix` of each failed check, or make a new role with `GET /v1/role_sql` and register its connection string.',
  byo_role_unreadable: 'Let the role read `pg_catalog`, as everybody may in a new database, and verify again.',
  authentication_failed:
    'Log in with the same string by `psql`. Mind characters of the password that a URI needs encoded, `@` as `%40`; then rotate. Ten refused logins keep new credentials back for 15 minutes.',
  authentication_unsafe:
    "Set `password_encryption = 'scram-sha-256'` and the role's password anew, or put TLS in front of it.",
  tls_failed:
    'Read the `fix` of the check `tls`: it names the certificate that was seen. Send its CA as `caCertificate`, or use `sslmode=require`.',
  database_not_found: 'Check the name behind the last slash of the string, and `grant connect on database … to …`.',
  schema_not_found: 'Create the schema, `grant usage on schema … to …`, or change `schema` with `PATCH`.',
  schema_conflict: 'Leave `?schema=` or `?currentSchema=` out of the string, or name the same one in both.',
  server_unsupported: 'Upgrade the server. Databases that only speak the protocol of PostgreSQL are not supported.',
  server_misbehaved: 'Check host and port: 5432 is usual, and a pooler has one of its own.',
  database_unreachable:
    'Open the firewall for the addresses of `GET /v1/egress`, and check that the server runs. The check is repeated by itself.',
  endpoint_unavailable: 'Look at the log of the endpoint. It is asked again with growing pauses.',
  endpoint_misbehaved:
    'Let it answer POST requests of type `events` with 200 and JSON, as `mooring-client/endpoint` does.',
  signature_refused:
    'Compare `key_last4` with the key that the endpoint holds, and set the same one on both sides with `POST /v1/datasources/{id}/rotate_key`.',
  endpoint_clock_off: 'Set the clock of the endpoint by NTP; five minutes of difference are allowed.',
  endpoint_key_missing: 'Put the signing key into the configuration of the endpoint and start it anew.',
  projection_mismatch: 'Send the host, port and database that stand in the sealed string itself.',
  credential_unreadable:
    'Rotate to the same string. As an operator, look whether the worker has the keyring that the credential was sealed under.',
  introspection_failed:
    'Try again when no migration holds its locks; `issues[0].ctx` names the bound where the schema is too large. Name fewer schemas.',
  entity_not_found: "Check the id and its prefix. A removed object and another organization's are not there either.",
  capability_not_found: "Check the id. Another organization's is not there either.",
  route_not_found: 'Compare the path with the reference at `/docs`.',
  method_not_allowed: 'Use a method of the `Allow` header.',
  conflict:
    'Read the object again and look at `status` and `status_reason`, or at the field that `param` names; then repeat what still applies.',
  target_changed: 'Say `allowMove: true` (`allow_move` in the connections dialect) where the move is meant.',
  ca_certificate_required: 'Send the string and its certificate together, or `caCertificate: null` for public ones.',
  idempotency_conflict: 'Make one key for each request, and repeat it only with the same body.',
  payload_too_large: 'Send less: 64 KiB are taken, 1 MiB of a push of events.',
  response_too_large: 'Name one schema or one table: `?schema=…&table=…`.',
  unsupported_media_type: 'Set `Content-Type: application/json`.',
  resource_limit_reached:
    'Remove what is not needed. An operator raises it with `MOORING_MAX_DATASOURCES` and its like.',
  rate_limit_exceeded: 'Wait for `Retry-After` seconds. `RateLimit` in each answer says how much is left.',
  internal_error: 'Repeat it once. As an operator, find `requestId` in the log.',
  service_unavailable: 'Repeat it after `Retry-After`. As an operator, look at `/readyz`: it names what is the matter.',
  organization_moving: 'Repeat it after `Retry-After`; reads go on.',
  organization_moved: 'Change the base address of your client; keys stay as they are.',
  outcome_unknown: 'Read or list first, or repeat it with the same `Idempotency-Key`: that does nothing twice.',
  timeout: 'Ask again: the answer of a read, or of the same `Idempotency-Key`, has the result once it is there.',
}
