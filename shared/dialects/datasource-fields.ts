/**
 * Fields that several bodies of the datasources dialect share, described as in its contract. `datasources-dialect.ts`
 * and `datasource-change-dialect.ts` build bodies from them.
 */
import { Metadata } from '#shared/datasources/datasource.ts'
import { PlainString, RegisterEndpoint, SealedString, Trusted } from '#shared/datasources/registration.ts'

/** The caller's labels. */
export const metadata = Metadata.optional().describe(
  "The caller's own labels: at most 50 keys of 40 characters with values of 500. Returned as given, never interpreted.",
)

/** A connection string in clear. */
export const Plain = {
  connectionString: PlainString.connectionString.describe(
    'A PostgreSQL URI with the credentials of a least-privileged role. It is sealed during the request; write-only.',
  ),
  caCertificate: Trusted.caCertificate.describe(
    'The certificate authority for verifying the server, as PEM; null for the public ones. While one is in force, ' +
      'another string must include it again. With a sealed string it is inside the box.',
  ),
}

/** A connection string sealed by the caller. */
export const Sealed = {
  sealedConnectionString: SealedString.sealedConnectionString.describe(
    'The same URI, or JSON `{ "connectionString", "caCertificate" }`, sealed by the caller: base64 of `crypto_box_seal` to the key of ' +
      '`GET /v1/sealing_key`; write-only.',
  ),
  key_id: SealedString.keyId.describe('The `key_id` that came with that key.'),
  host: SealedString.host.describe('The host in the sealed string, for display; the worker compares the two.'),
  port: SealedString.port.describe('The port in the sealed string.'),
  database: SealedString.database.describe('The database in the sealed string.'),
}

/** The signing key of an endpoint. */
export const signingKey = RegisterEndpoint.shape.signingKey.describe(
  'The secret that requests to the endpoint are signed with; write-only, only its last four characters are ever shown.',
)
