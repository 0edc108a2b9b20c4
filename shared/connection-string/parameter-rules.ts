/**
 * The query parameters of connection strings that are ignored, and those that are refused, each with its reason.
 *
 * A parameter that is in neither table and not honoured by `connection-parameters.ts` is refused as unknown. An ignored
 * parameter cannot redirect the dial, read one of our files, or weaken the security that libpq would have given the
 * caller.
 */

const pooling = 'It sets up a client-side pool; it has no meaning here. Leave it out.'
const statements = 'It controls prepared statements of a driver, which are not used here. Leave it out.'
const keepalive = 'It is for long-lived connections; a check is short. Leave it out.'
const oneHost = 'It chooses among several hosts; there is only one. Leave it out.'
const schema = 'It has no effect on the connection: it names the schema to register if no schema field does.'
const timeouts = 'It sets a timeout; Mooring uses its own. Leave it out.'
const driver = 'It is a setting of one driver or provider and has no meaning here. Leave it out.'

/** Parameters that have an effect or name a schema: the candidates for the correction of a misspelt name. */
export const HONOURED: readonly string[] = [
  'sslmode',
  'ssl',
  'sslrootcert',
  'channel_binding',
  'sslnegotiation',
  'application_name',
  'connect_timeout',
  'options',
  'schema',
]

/**
 * Parameters that dashboards, ORMs and drivers append and that are ignored whatever their value, each with an advisory.
 */
export const IGNORED: Readonly<Record<string, string>> = {
  pgbouncer: 'It tells Prisma that a pooler answers; Mooring recognises a pooler without it. Leave it out.',
  pool: pooling,
  max: pooling,
  poolMax: pooling,
  connectionLimit: pooling,
  max_connections: pooling,
  min_connections: pooling,
  max_lifetime: pooling,
  idle_timeout: pooling,
  idleTimeout: pooling,
  conn_max_age: pooling,
  pool_recycle: pooling,
  pool_pre_ping: pooling,
  max_overflow: pooling,
  connection_limit: pooling,
  pool_timeout: pooling,
  pool_mode: pooling,
  pool_size: pooling,
  max_pool_size: pooling,
  pool_max_conns: pooling,
  pool_min_conns: pooling,
  pool_max_conn_lifetime: pooling,
  pool_max_conn_lifetime_jitter: pooling,
  pool_max_conn_idle_time: pooling,
  pool_health_check_period: pooling,
  maximum_lifetime: pooling,
  statement_cache_size: statements,
  statement_cache_capacity: statements,
  statement_cache_mode: statements,
  description_cache_capacity: statements,
  default_query_exec_mode: statements,
  prepared_statement_cache_size: statements,
  prepared_statements: statements,
  preparedStatements: statements,
  prepare: statements,
  preferQueryMode: statements,
  preparedStatementCacheSizeMiB: statements,
  prepareThreshold: statements,
  preparedStatementCacheQueries: statements,
  binary_parameters: statements,
  reWriteBatchedInserts: statements,
  keepalives: keepalive,
  keepalives_idle: keepalive,
  keepalives_interval: keepalive,
  keepalives_count: keepalive,
  tcp_user_timeout: keepalive,
  tcpKeepAlive: keepalive,
  target_session_attrs: oneHost,
  load_balance_hosts: oneHost,
  targetServerType: oneHost,
  loadBalanceHosts: oneHost,
  schema,
  currentSchema: schema,
  search_path: schema,
  socket_timeout: timeouts,
  socketTimeout: timeouts,
  connectTimeout: timeouts,
  loginTimeout: timeouts,
  uselibpqcompat: driver,
  defaultRowFetchSize: driver,
  stringtype: driver,
  autosave: driver,
  readOnly: driver,
  tcpNoDelay: driver,
  logUnclosedConnections: driver,
  assumeMinServerVersion: driver,
  allowEncodingChanges: driver,
  sslResponseTimeout: driver,
  cancelSignalTimeout: driver,
  statusColor: driver,
  env: driver,
  name: driver,
  tLSMode: driver,
  usePrivateKey: driver,
  safeModeLevel: driver,
  advancedSafeModeLevel: driver,
  driverVersion: driver,
  lazyload: driver,
  fallback_application_name: driver,
  ApplicationName: driver,
  supa: driver,
  workaround: driver,
  sslcompression: driver,
}

/**
 * Parameters that are ignored if they have one of the listed values and refused, with the reason, if they have any
 * other.
 */
export const IGNORED_VALUES: Readonly<Record<string, { readonly values: readonly string[]; readonly reason: string }>> =
  {
    gssencmode: { values: ['disable', 'prefer'], reason: 'GSSAPI is not supported' },
    client_encoding: { values: ['UTF8', 'utf8', 'UTF-8', 'utf-8', 'auto'], reason: 'the encoding is always UTF8' },
    sslsni: { values: ['1'], reason: 'the host name is always sent' },
    sslcertmode: { values: ['disable', 'allow'], reason: 'client certificates are not supported' },
    ssl_min_protocol_version: {
      values: ['TLSv1', 'TLSv1.1', 'TLSv1.2'],
      reason: 'TLS 1.2 and 1.3 are supported, whichever the server offers',
    },
    ssl_max_protocol_version: {
      values: ['TLSv1.2', 'TLSv1.3'],
      reason: 'TLS 1.2 and 1.3 are supported, whichever the server offers',
    },
    sslaccept: { values: ['accept_invalid_certs'], reason: 'certificates are verified by sslmode=verify-full' },
    replication: { values: ['false', 'off', 'no', '0'], reason: 'replication connections are not supported' },
  }

/** Parameters that dashboards write without a value, which libpq treats as absent. */
export const EMPTY_FILES: ReadonlySet<string> = new Set([
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslcrl',
  'sslcrldir',
  'sslpassword',
  'passfile',
])

const elsewhere = 'the host, the port, the database and the login belong before the question mark'
/** The reason for refusing a parameter that names a file. */
export const FILES = 'it names a file on the connecting machine; give a CA as PEM text in caCertificate'
const clientCertificate = 'client certificates are not supported'
const gss = 'GSSAPI is not supported'
const server = 'Mooring chooses the settings of the session'
const keys = 'keys and tokens are not supported, only a password'

/** Parameters that are refused whatever their value, each with its reason. */
export const REFUSED_NAMES: Readonly<Record<string, string>> = {
  host: elsewhere,
  hostaddr: elsewhere,
  port: elsewhere,
  dbname: elsewhere,
  database: elsewhere,
  user: elsewhere,
  password: elsewhere,
  socket: elsewhere,
  service: 'it names an entry of a file on the connecting machine',
  servicefile: FILES,
  passfile: FILES,
  sslcert: FILES,
  sslkey: FILES,
  sslcrl: FILES,
  sslcrldir: FILES,
  sslkeylogfile: FILES,
  sslidentity: FILES,
  sslpassword: clientCertificate,
  requirepeer: 'it is about unix sockets',
  require_auth: 'Mooring chooses the login method: SCRAM if the server offers it',
  requiressl: 'write sslmode=require',
  krbsrvname: gss,
  gsslib: gss,
  gssdelegation: gss,
  statement_timeout: server,
  lock_timeout: server,
  idle_in_transaction_session_timeout: server,
  role: server,
  timezone: server,
  TimeZone: server,
  datestyle: server,
  DateStyle: server,
  session_authorization: server,
  scram_client_key: keys,
  scram_server_key: keys,
  oauth_issuer: keys,
  oauth_client_id: keys,
  oauth_client_secret: keys,
  oauth_scope: keys,
  min_protocol_version: 'Mooring chooses the version of the protocol',
  max_protocol_version: 'Mooring chooses the version of the protocol',
}
