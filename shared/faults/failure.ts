/**
 * The closed list of failures of dialling a customer's database. Each has a stage, whether a retry can help, the
 * failing line of the checklist, the fault, and a message with the remedy.
 *
 * `net` returns these, `domain/verification.ts` evaluates them. None contains the remote side's text: a hostile server
 * can put the password that it just received into its error message.
 */
import { ENDPOINT_FAILURES } from './endpoint-failure.ts'
import type { FaultCode } from './fault.ts'
import { LOGIN_FAILURES } from './login-failure.ts'

/** The stage at which a dial ended. */
export type Stage =
  | 'parse'
  | 'resolve'
  | 'policy'
  | 'connect'
  | 'tls'
  | 'authenticate'
  | 'database'
  | 'privilege'
  | 'protocol'

interface FailureSpec {
  readonly stage: Stage
  readonly fault: FaultCode
  readonly retryable: boolean
  /** The finding, in our words. */
  readonly observed: string
  /** The remedy. */
  readonly fix: string
}

const away = { stage: 'connect', fault: 'database_unreachable', retryable: true } as const
const tls = { stage: 'tls', fault: 'tls_failed', retryable: false } as const
const unsafe = { stage: 'authenticate', fault: 'authentication_unsafe', retryable: false } as const
const bogus = { stage: 'protocol', fault: 'server_misbehaved', retryable: false } as const

const openFirewall = 'Check the host and port, and that the firewall allows this installation.'
const askScram =
  "Set password_encryption = 'scram-sha-256', set the role's password again, and use scram-sha-256 in pg_hba.conf (at PgBouncer: auth_type = scram-sha-256, and the new password in its auth_file)."
const checkPort = 'Check that the port belongs to a PostgreSQL server or pooler.'

/** Every failure of a dial, by code. */
export const FAILURES = {
  ...ENDPOINT_FAILURES,
  ...LOGIN_FAILURES,
  string_refused: {
    stage: 'parse',
    fault: 'invalid_body',
    retryable: false,
    observed: 'not a valid connection string',
    fix: 'Register it again with a valid connection string.',
  },
  name_not_found: {
    stage: 'resolve',
    fault: 'database_unreachable',
    retryable: true,
    observed: 'the name does not exist',
    fix: 'Check the spelling of the host.',
  },
  resolver_failed: {
    stage: 'resolve',
    fault: 'database_unreachable',
    retryable: true,
    observed: 'the name could not be resolved',
    fix: 'Check the DNS entry of the name; it is retried automatically.',
  },
  host_refused: {
    stage: 'policy',
    fault: 'byo_host_not_allowed',
    retryable: false,
    observed: 'an address or name that may not be dialled',
    fix: 'Give a publicly routable host.',
  },
  host_private: {
    stage: 'policy',
    fault: 'byo_host_not_allowed',
    retryable: false,
    observed: 'a name in a private network that this installation cannot reach',
    fix: 'Use the external connection string that the provider shows: this host works only inside its own network.',
  },
  port_refused: {
    stage: 'policy',
    fault: 'byo_host_not_allowed',
    retryable: false,
    observed: 'a port that may not be dialled',
    fix: 'Use the port of the database, usually 5432 or 6543.',
  },
  addresses_too_many: {
    stage: 'policy',
    fault: 'byo_host_not_allowed',
    retryable: false,
    observed: 'more than 16 addresses',
    fix: 'Give a name that resolves to at most 16 addresses.',
  },
  budget_exhausted: {
    stage: 'policy',
    fault: 'rate_limit_exceeded',
    retryable: true,
    observed: 'too many dials to this target',
    fix: 'Wait; it is retried automatically.',
  },
  connection_refused: { ...away, observed: 'the connection was refused', fix: openFirewall },
  connection_timeout: { ...away, observed: 'no answer in time', fix: openFirewall },
  connection_lost: { ...away, observed: 'the connection was interrupted', fix: openFirewall },
  network_unreachable: { ...away, observed: 'no route to the host', fix: openFirewall },
  tls_not_offered: {
    ...tls,
    observed: 'the server does not offer TLS',
    fix: 'Set ssl = on at the server, which needs ssl_cert_file and ssl_key_file (at PgBouncer: client_tls_sslmode = allow, with client_tls_cert_file and client_tls_key_file).',
  },
  tls_required: { ...tls, observed: 'sslmode=disable', fix: 'Use sslmode=require or stronger.' },
  tls_demanded: {
    ...tls,
    observed: 'the server does not accept this login without TLS',
    fix: 'Use sslmode=require or stronger.',
  },
  tls_handshake_failed: {
    ...tls,
    observed: 'the TLS handshake failed',
    fix: 'Enable TLS 1.2 or 1.3 at the server, in ssl_max_protocol_version and ssl_ciphers.',
  },
  certificate_untrusted: {
    ...tls,
    observed: 'a certificate that no trusted CA has issued',
    fix: 'Give the CA certificate as PEM, or use sslmode=require.',
  },
  certificate_expired: {
    ...tls,
    observed: 'a certificate outside its validity period',
    fix: "Renew the server's certificate.",
  },
  certificate_name_mismatch: {
    ...tls,
    observed: 'a certificate for another name',
    fix: 'Use the name in the certificate, or sslmode=verify-ca.',
  },
  channel_binding_missing: {
    ...unsafe,
    observed: 'no channel binding',
    fix: 'Use SCRAM over TLS, or leave out channel_binding=require.',
  },
  channel_binding_unusable: {
    ...unsafe,
    observed: 'a certificate whose signature algorithm, such as Ed25519, has no hash for SCRAM channel binding',
    fix: 'Use channel_binding=disable with sslmode=verify-full, or a certificate signed with RSA or ECDSA.',
  },
  password_exposed: {
    ...unsafe,
    observed: 'a request for the password in clear text or as MD5 without TLS',
    fix: askScram,
  },
  server_unverified: {
    ...unsafe,
    observed: 'a request for the password in clear text or as MD5 by a server whose certificate is not verified',
    fix: `${askScram} Or give the CA certificate and use sslmode=verify-full.`,
  },
  password_under_named_ca: {
    ...unsafe,
    observed:
      'a request for the password in clear text or as MD5 under a CA certificate that was given with the connection string',
    fix: askScram,
  },
  scram_iterations: {
    ...unsafe,
    observed: 'SCRAM iterations outside 4,096 to 100,000',
    fix: "Set scram_iterations to 100000 or less and the role's password again.",
  },
  server_not_proven: { ...unsafe, observed: 'a server that did not prove that it knows the password', fix: askScram },
  authentication_method: { ...unsafe, observed: 'a login method other than SCRAM', fix: askScram },
  server_unknown: {
    stage: 'privilege',
    fault: 'server_unsupported',
    retryable: false,
    observed: 'a server that does not support the statements of PostgreSQL 13 and later',
    fix: 'Upgrade the server to PostgreSQL 13 or later, or register one. Databases that only speak its protocol are not supported.',
  },
  query_timeout: {
    stage: 'privilege',
    fault: 'database_unreachable',
    retryable: true,
    observed: 'a catalog query took too long',
    fix: 'Wait; it is retried automatically.',
  },
  facts_unreadable: {
    stage: 'privilege',
    fault: 'byo_role_unreadable',
    retryable: false,
    observed: "the role's attributes could not be read",
    fix: 'Allow the role to read pg_catalog, as every role may in a new database.',
  },
  not_postgres: { ...bogus, observed: 'a server that does not speak the PostgreSQL protocol', fix: checkPort },
  protocol_violation: { ...bogus, observed: 'an answer that PostgreSQL never gives', fix: checkPort },
  response_too_large: { ...bogus, observed: 'an answer that is too large', fix: checkPort },
  // A problem of the installation itself, never reported as a problem of the customer's database.
  dialler_busy: {
    stage: 'policy',
    fault: 'internal_error',
    retryable: true,
    observed: 'no dialling process of this installation was free in time',
    fix: 'You need not do anything: the check is repeated.',
  },
  dialler_died: {
    stage: 'protocol',
    fault: 'server_misbehaved',
    retryable: true,
    observed: 'the dial had to be killed',
    fix: checkPort,
  },
} as const satisfies Record<string, FailureSpec>

/** The code of a failure. */
export type FailureCode = keyof typeof FAILURES

/**
 * A certificate, reduced to printable ASCII. Its texts are untrusted: they are displayed, and no decision depends on
 * them.
 */
export interface PresentedCertificate {
  /**
   * The certificate's source: the server's own, an intermediate that the server sent, or a CA certificate that was
   * given.
   */
  readonly owner: 'server' | 'sent' | 'given'
  /** Host names and addresses: at most 10, of at most 255 characters each. */
  readonly names: readonly string[]
  /** Common name and organization, at most 255 characters. */
  readonly subject: string
  readonly issuer: string
  /** ISO 8601; empty if unreadable. */
  readonly validFrom: string
  readonly validTo: string
}

/** The failure of a dial. `sqlstate` is five characters of `[0-9A-Z]`; absent if the server sent none. */
export interface Failure {
  readonly code: FailureCode
  readonly sqlstate?: string
  /** The refused certificate, or the faulty given CA certificate. */
  readonly certificate?: PresentedCertificate
  /** The number of SCRAM iterations that the server requested. */
  readonly iterations?: number
  /** The product behind the address, from a closed list, if it is known not to be PostgreSQL. */
  readonly product?: string
  /** The timeout that was exceeded, in whole seconds. */
  readonly seconds?: number
  /** A pooler accepted the password, and passes on that its server refuses it. */
  readonly isPassedOn?: true
  /** Our proof of the password was sent, and neither accepted nor refused: it may have answered a guess. */
  readonly proofSent?: true
}

/** Returns the row of a code, widened to its interface. */
export function failureSpec(code: FailureCode): FailureSpec {
  return FAILURES[code]
}
