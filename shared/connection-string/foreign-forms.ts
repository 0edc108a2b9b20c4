/**
 * Recognises other forms that people paste in place of a connection URL, and says how to write the URL. Every sentence is fixed: nothing
 * of the text goes into one. Called by `connection-string.ts` for text that does not begin with the scheme.
 */
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

const WRITE = 'write postgresql://user:password@host:port/database'
const ALONE = 'give the URL alone'

// Anchored, with bounded repetition: each is linear in the text. The narrower before the wider.
const FORMS: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:jdbc|r2dbc):[^?]{0,4000}\?/i,
    `It is a JDBC URL: ${WRITE}. The values of its user and password parameters stand before the @ there, percent-encoded.`,
  ],
  [/^(?:jdbc|r2dbc):/i, `It is a JDBC URL: ${WRITE}, user name and password percent-encoded.`],
  [
    /^postgres(?:ql)?\+[a-z0-9_]{1,30}:\/\//i,
    "It is an SQLAlchemy URL: leave out the + and the driver's name, so that it begins with postgresql://.",
  ],
  [
    /^(?:psql|pgcli|pg_dump|pg_restore|createdb|dropdb)(?:\.exe)?(?=[\s"'])/i,
    `It is a command line of psql or one of its kin: ${ALONE}, without the command; of single options, ${WRITE}.`,
  ],
  [
    /^(?:export\s{1,4}|set\s{1,4}|\$env:)?["'`]?[A-Za-z_][A-Za-z0-9_.-]{0,63}["'`]?\s{0,4}[=:]\s{0,4}["'`]?postgres(?:ql)?:\/\//i,
    `It is an assignment to an environment variable, or a line of a configuration file: ${ALONE}, without the name before it.`,
  ],
  [
    /^(?:server|data source|host|user id|username|user name|uid|user|database|initial catalog|port|password|pwd|ssl mode)\s{0,4}=[^;]{0,2000};/i,
    `It is a list of ADO.NET pairs (Host=…;Username=…): ${WRITE}, each value percent-encoded.`,
  ],
  [
    /^(?:hostaddr|host|port|dbname|user|password|sslmode|connect_timeout|application_name|service|passfile|options)\s{0,4}=/i,
    `It is libpq's form of keywords and values (host=… user=…): ${WRITE}, each value percent-encoded.`,
  ],
  [
    /^prisma(?:\+postgres)?:\/\//i,
    'It is an address of Prisma Accelerate: give the direct URL of the database behind it.',
  ],
  [
    /^(?:pg|pgsql|psql|postgis|ecto|cockroachdb|cockroach|crdb|timescaledb|neon|supabase|redshift|yugabytedb):\/\//i,
    'Its scheme is that of one driver or product: let it begin with postgresql:// instead.',
  ],
  [/^(?:https?|wss?):\/\//i, `It is the address of a page or an API, not of a database: ${WRITE}.`],
  [/^[{[]\s{0,4}["'{]/, 'It is JSON: give the value of the field with the URL alone.'],
  [/^postgres(?:ql)?:(?!\/\/)/i, 'Two slashes are missing: it has to begin with postgresql://.'],
  [/^postgres(?:ql)?\/\//i, 'A colon is missing: it has to begin with postgresql://.'],
  [/^\/\/[^\s@]{1,2000}@/, 'The scheme is missing: it has to begin with postgresql://.'],
  [/^[^\s@/:]{1,200}:(?!\/\/)[^\s@]{0,2000}@/, 'The scheme is missing: it has to begin with postgresql://.'],
]

/** The reason why text that does not begin with the scheme is refused. */
export function refuseForeign(text: string): Refusal {
  const [, said] = FORMS.find(([pattern]) => pattern.test(text)) ?? []
  return refuse('scheme_refused', said ?? 'It has to begin with postgres:// or postgresql://.')
}
