/**
 * Recognises other forms that people paste in place of a connection URL, and says how to write the URL. Every message
 * is fixed and contains none of the text. Called by `connection-string.ts` for text that does not begin with the
 * scheme.
 */
import { nearest } from '#shared/base/near-names.ts'
import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { isReference } from './placeholders.ts'

const WRITE = 'write postgresql://user:password@host:port/database'
const ALONE = 'give only the URL'
const REFERS = 'It refers to a secret in a store, or is encrypted: give the connection string itself.'
const MISSING = 'The scheme is missing: it must begin with postgresql://.'

// Anchored and with bounded repetition, so that each pattern is linear in the text. Narrower patterns come first.
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/^r2dbc:/i, `It is an R2DBC URL: ${WRITE}, user name and password percent-encoded.`],
  [
    /^jdbc:[^?]{0,4000}\?/i,
    `It is a JDBC URL: ${WRITE}. The values of its user and password parameters go before the @, percent-encoded.`,
  ],
  [/^jdbc:/i, `It is a JDBC URL: ${WRITE}, user name and password percent-encoded.`],
  [
    /^(?:\$[A-Za-z_({][^\s@]{0,60}|[<[{]{1,2}[^@:]{1,60}[>\]}]{1,2}|[*\u2022]{3,80}|%[A-Z_]{3,40}%|(?:[\w.-]{1,40}\s?[=:]\s?)?(?:env|getenv|process\.env|os\.environ)[.([][^@]{0,60})$/u,
    'It is a mask, a placeholder or the name of a variable: give the real connection string.',
  ],
  [
    /^postgres(?:ql)?\+[a-z0-9_]{1,30}:\/\//i,
    "It is an SQLAlchemy URL: remove the + and the driver's name, so that it begins with postgresql://.",
  ],
  [
    /^(?:[$#>%]\s{1,4})?(?:sudo\s[^@:]{0,40})?(?:PG[A-Z]{2,20}=\S{1,200}\s{1,4})*(?:[\w.~/\\-]{0,80}[/\\])?(?:psql|pgcli|pgbench|pg_dump|pg_dumpall|pg_restore|pg_isready|createdb|dropdb|vacuumdb|docker|kubectl|heroku|fly|flyctl|supabase|railway|neonctl|usql)(?:\.exe)?(?=[\s"'])/i,
    `It is a command line of psql or a similar program: ${ALONE}, without the command; for single options, ${WRITE}.`,
  ],
  [
    /^(?:-{1,2}[A-Za-z][a-z-]{0,20}[\s=]|\\c(?:onnect)?\s)/,
    `It is a part of a command line of psql or a similar program: ${ALONE}; for single options, ${WRITE}.`,
  ],
  [
    /^(?:export\s{1,4}|set\s{1,4}|\$env:)?["'`]?[A-Za-z_][A-Za-z0-9_.-]{0,63}["'`]?\s{0,4}[=:]\s{0,4}["'`]?postgres(?:ql)?:\/\//i,
    `It is an assignment to an environment variable, or a line of a configuration file: ${ALONE}, without the name before it.`,
  ],
  [
    /^(?:driver|provider|dsn|filedsn)\s{0,4}=[^;]{0,2000}(?:;|$)/i,
    `It is a list of ODBC or OLE DB pairs (Driver=…;Server=…): ${WRITE}, each value percent-encoded.`,
  ],
  [
    /^(?:server|data source|host|user id|userid|username|user name|uid|user|database|initial catalog|port|password|pwd|ssl mode|sslmode|timeout|pooling)\s{0,4}=[^;]{0,2000};/i,
    `It is a list of ADO.NET pairs (Host=…;Username=…): ${WRITE}, each value percent-encoded.`,
  ],
  [/^pgsql:/i, `It is a DSN of PHP's PDO: ${WRITE}, each value percent-encoded.`],
  [
    /^(?:hostaddr|host|port|dbname|user|password|sslmode|connect_timeout|application_name|service|passfile|options)\s{0,4}=/i,
    `It is libpq's form of keywords and values (host=… user=…): ${WRITE}, each value percent-encoded.`,
  ],
  [/^prisma(?:\+postgres)?:\/\//i, 'It is a Prisma Accelerate URL: give the direct URL of the database behind it.'],
  [
    /^(?:pg|pgsql|psql|postgis|asyncpg|psycopg2?|pgx|pq|postgres-async|postgresjs|ecto|cockroachdb|cockroach|crdb|timescaledb|neon|supabase|redshift|yugabytedb):\/\//i,
    'Its scheme belongs to one driver or product: it must begin with postgresql:// instead.',
  ],
  [/^(?:https?|wss?):\/\//i, `It is the address of a page or an API, not of a database: ${WRITE}.`],
  [
    /^(?:mysql|mariadb|mongodb|redis|rediss|sqlite|sqlite3|sqlserver|mssql|oracle|clickhouse|snowflake|bigquery|libsql|duckdb|amqp|amqps|kafka|ldap|ldaps)(?:\+[a-z0-9_]{1,30})?:/i,
    'It is for a system other than PostgreSQL. It must begin with postgres:// or postgresql://.',
  ],
  [/^(?:file|ftp|sftp|ssh|tcp|unix):/i, `It is not the address of a database: ${WRITE}.`],
  [
    /^postgres(?:ql)?(?:%3a|:)(?:%2f|\/){2}/i,
    'It is percent-encoded as a whole: encode only the user name, the password and the database name, and write ://, : and @ as they are.',
  ],
  [/^[{[]\s{0,4}["'{]/, 'It is JSON: give only the value of the field with the URL.'],
  [/^postgres(?:ql)?:(?!\/\/)/i, 'Two slashes are missing: it must begin with postgresql://.'],
  [/^postgres(?:ql)?[;,.]?\/\//i, 'A colon is missing: it must begin with postgresql://.'],
  [
    /^(?:PG|DB_|DATABASE_|POSTGRES_)[A-Z_]{2,30}\s?[=:]/,
    `It sets environment variables for single values: ${WRITE}, each value percent-encoded.`,
  ],
  [
    /^["']?(?:hostname|host|server|user|username|port|database|dbname|password|adapter|engine|dialect|client|driver|encoding|db_connection)["']?\s{0,4}(?:[:=]|=>)/i,
    `It is a list of single values, as in a configuration file: ${WRITE}, each value percent-encoded.`,
  ],
  [
    /^[A-Za-z_][\w.-]{0,60}\s{0,4}[=:]\s{0,4}["']?(?:jdbc|r2dbc):/i,
    `It is a line of a configuration file with a JDBC URL: ${WRITE}.`,
  ],
  [/^\/\/[^\s@]{1,2000}@/, MISSING],
  [
    /^(?:[a-z0-9-]{1,63}\.){1,8}[a-z0-9-]{1,63}:[0-9*]{1,5}:[^:@/]{1,200}:[^:@/]{1,200}:/i,
    `It is a line of .pgpass: ${WRITE}, each value percent-encoded.`,
  ],
  [/^[^\s@/:]{1,200}:(?!\/\/)[^\s@]{0,2000}@/, MISSING],
  [
    /^(?:[^\s@/:]{1,200}@)?(?:[a-z0-9_-]{1,63}\.){1,8}[a-z0-9-]{1,63}(?::[0-9]{1,5})?(?:\/[^\s@]{0,200})?$/i,
    `It is only a host, without scheme, user name and password: ${WRITE}.`,
  ],
  [
    /^.{0,2000}postgres(?:ql)?:\/\//is,
    'There is other text before the URL: give only the URL, so that it begins with postgresql://.',
  ],
]

/** Returns the reason why text that does not begin with the scheme is refused. */
export function refuseForeign(text: string): Refusal {
  if (isReference(text)) return refuse('scheme_refused', REFERS)
  const [, said] = FORMS.find(([pattern]) => pattern.test(text)) ?? []
  return refuse('scheme_refused', said ?? misspelt(text) ?? 'It must begin with postgres:// or postgresql://.')
}

/** The message for a misspelt or truncated scheme; null if the text has no scheme. */
function misspelt(text: string): string | null {
  const [, scheme] = /^([a-z0-9+-]{0,20}):\/\//i.exec(text) ?? []
  if (scheme === undefined) return null
  if ('postgresql'.endsWith(scheme.toLowerCase()) || 'postgres'.endsWith(scheme.toLowerCase()))
    return 'Its beginning was not copied: it must begin with postgresql://.'
  return nearest(scheme, ['postgres', 'postgresql']) === null
    ? 'Its scheme is another one: it must begin with postgres:// or postgresql://.'
    : 'Its scheme is misspelt: it must begin with postgresql://.'
}
