/**
 * Every form in which people paste a database with its password, and the words of a refusal that name a position, with
 * the text that must exist there. For properties of the answers.
 */
import { fc } from '#test/support/house/properties.ts'

/** Letters of which no message has eight in a row, and characters that must be encoded. */
const LETTERS = [
  ...'QXZJKVWqxzjkvw0123456789',
  '@',
  '/',
  '?',
  '#',
  '%',
  ':',
  ' ',
  '"',
  "'",
  '\\',
  '&',
  '=',
  ';',
  ',',
  '\u00df',
  '\u200b',
]

/** A password of at least eight characters. */
export const secret = fc
  .array(fc.constantFrom(...LETTERS), { minLength: 8, maxLength: 40 })
  .map(letters => letters.join(''))
/** A password that is a word, so that it can occur in place of names. */
export const wordSecret = fc
  .array(fc.constantFrom(...'QXZJKVWqxzjkvw'), { minLength: 8, maxLength: 30 })
  .map(letters => letters.join(''))

const AROUND = [
  '',
  '',
  '',
  '"',
  "'",
  ' ',
  '\n',
  '\ufeff',
  '<',
  '`',
  'psql ',
  'DATABASE_URL=',
  'export PGURL="',
  'jdbc:',
  '- url: ',
  '# old\n',
]
const TAILS = [
  ...[
    '',
    '',
    '?sslmode=require',
    '?sslmode=REQUIRE',
    '?a=b?c=d',
    '&amp;x=1',
    '?ssl=1',
    '?schema=shop',
    '#x',
    '?x',
    '?options=-c%20a%3Db',
  ],
  ...[
    '?sslmode=require&',
    '?sslmode=require&sslmode=disable',
    '?schema=a&currentSchema=b',
    '?host=/tmp',
    '\\',
    '\\n',
    ';',
    ' ',
    '?application_name="x"',
  ],
]

type Shape = (password: string, mark: { readonly before: string; readonly behind: string }) => string

/** `password` as it is written in the text, which may be encoded. */
const SHAPES: Readonly<Record<string, readonly Shape[]>> = {
  URI: [
    (p, { before, behind }) => `${before}postgres://app:${p}@db.acme.io/app${behind}${before}`,
    (p, { before, behind }) => `${before}postgresql://${p}:app@db.acme.io:5432/app${behind}`,
    (p, { before, behind }) => `${before}postgres://app:${p}@db.acme.io/app?${p}=1${behind}`,
    (p, { before, behind }) => `${before}postgres://app:${p}@${p}.io/app${behind}`,
    (p, { before, behind }) => `${before}postgres://app:${p}@db.acme.io:${p}/app${behind}`,
    (p, { before, behind }) => `${before}postgres://app:${p}@db.acme.io/app?sslmode=${p}${behind}`,
    (p, { before, behind }) => `${before}postgres://app:${p}@db.acme.io/app?options=${p}&sslrootcert=${p}${behind}`,
    (p, { before, behind }) => `${before}postgres://${p}@db.acme.io/${p}${behind}`,
    (p, { before, behind }) => `${before}postgres://db.acme.io/app?user=app&password=${p}${behind}`,
    (p, { before }) => `${before}${p}://app:x@db.acme.io/app`,
    p => p,
  ],
  'key=value': [
    p => `host=db.acme.io user=app password=${p}`,
    p => `host=db.acme.io port=5432 dbname=app user=app password='${p.replaceAll(/['\\]/g, '\\$&')}' sslmode=require`,
    p => `password=${p}`,
    p => `Host=db.acme.io;Username=app;Password=${p};Database=app`,
    p => `Driver={PostgreSQL Unicode};Server=db.acme.io;Uid=app;Pwd=${p};`,
    p => `PGHOST=db.acme.io\nPGPASSWORD=${p}\n`,
    p => `POSTGRES_PASSWORD=${p}`,
    p => `host: db.acme.io\nuser: app\npassword: ${p}`,
    p => `{"host":"db.acme.io","user":"app","password":${JSON.stringify(p)}}`,
    p => `{ user: 'app', password: '${p}' }`,
  ],
  'other tools': [
    p => `jdbc:postgresql://db.acme.io/app?user=app&password=${p}`,
    p => `r2dbc:postgresql://app:${p}@db.acme.io/app`,
    p => `postgresql+psycopg2://app:${p}@db.acme.io/app`,
    p => `pgsql:host=db.acme.io;dbname=app;user=app;password=${p}`,
    p => `db.acme.io:5432:app:app:${p}`,
    p => `PGPASSWORD=${p} psql -h db.acme.io -U app app`,
    p => `psql "postgres://app:${p}@db.acme.io/app"`,
    p => `-h db.acme.io -U app -W ${p}`,
    p => `mysql://app:${p}@db.acme.io/app`,
    p => `app:${p}@tcp(db.acme.io:5432)/app`,
    p => `//app:${p}@db.acme.io/app`,
    p => `https://app:${p}@db.acme.io/app`,
  ],
}

/** A text with its password, in clear and as it is written in the text. */
export interface Pasted {
  readonly password: string
  readonly written: string
  readonly text: string
}

/** The names of the forms. */
export const SHAPE_NAMES = Object.keys(SHAPES)

/** Returns any text of a form. */
export function pastedIn(name: string): fc.Arbitrary<Pasted> {
  const shapes = SHAPES[name] ?? []
  return fc
    .record({
      password: secret,
      shape: fc.constantFrom(...shapes),
      before: fc.constantFrom(...AROUND),
      behind: fc.constantFrom(...TAILS),
      isEncoded: fc.boolean(),
    })
    .map(({ password, shape, before, behind, isEncoded }) => {
      const written = isEncoded ? encodeURIComponent(password.toWellFormed()) : password
      return { password, written, text: shape(written, { before, behind }) }
    })
}

const has = (pattern: RegExp) => (text: string) => pattern.test(text)

/** Words of a refusal that name a position, each with a test for its presence in the text. */
const PLACES: readonly (readonly [RegExp, (text: string) => boolean])[] = [
  [/[Pp]assword/, has(/:|password|=/i)],
  [/quote/i, has(/["'`\u2018-\u201f\u00ab\u00bb]|&(?:quot|#34|#39|apos|lt|gt);/)],
  [/HTML/, has(/&(?:amp|quot|apos|lt|gt|#)/i)],
  [/JSON/, has(/[{[]|\\u|\\n|\\r/)],
  [/second \?/, text => text.split('?').length > 2],
  [/two \?/i, has(/\?\?/)],
  [/angle bracket/, has(/</)],
  [/in brackets|Brackets are only/, has(/[[({]/)],
  [/[Bb]ackslash/, has(/\\/)],
  [/JDBC/, has(/(?:jdbc|r2dbc):/i)],
  [/SQLAlchemy/, has(/\+[a-z0-9_]+:\/\//i)],
  [/ADO\.NET|ODBC/, has(/=[^;]*;?/)],
  [/PDO/, has(/pgsql:/i)],
  [/\.pgpass/, has(/(?:[^:]*:){4}/)],
  [/command line/, has(/psql|pg_|docker|^-|\\c/i)],
  [/environment variable|configuration file/, has(/[=:]/)],
  [/keywords and values/, has(/=/)],
  [/Go's MySQL driver/, has(/tcp\(|unix\(/)],
  [
    /a system other than/,
    has(
      /^[\W]*(?:mysql|maria|mongo|redis|sqlite|sqlserver|mssql|oracle|clickhouse|snowflake|bigquery|libsql|duckdb|amqp|kafka|ldap)/i,
    ),
  ],
  [/of a page or an API/, has(/https?:|wss?:/i)],
  [/line break|several lines/, has(/[\n\r\u0085\u2028\u2029]|\\[nr]|%0a|%0d/i)],
  [/a space/i, has(/[\s\u00a0]|%20|\+/)],
  [/fragment|a #|\(#\)/, has(/#/)],
  [/full-width/, has(/[\uff00-\uffef]/)],
  [/twice|scheme is repeated|several connection strings/, has(/(.*=){2}|(?:postgres(?:ql)?:\/\/[\s\S]*){2}/)],
  [/name two schemas/, has(/schema/i)],
  [/escape/, has(/%/)],
  [/socket/, has(/%2f|\/|%/i)],
]

/** Returns the positions that a refusal names but the text does not have; empty if there are none. */
export function absentPlaces(said: string, text: string): string[] {
  // Instructions on how to write it do not name a position.
  const message = said.replaceAll(
    /write (?:postgresql:\/\/user:password@host:port\/database|user:password[^.:;]*)/g,
    '',
  )
  const absent = PLACES.filter(([words, isThere]) => words.test(message) && !isThere(text)).map(
    ([words]) => words.source,
  )
  for (const [, code = ''] of message.matchAll(/\(U\+([0-9A-F]{4,6})\)/g)) {
    const character = String.fromCodePoint(Number.parseInt(code, 16))
    const isHalf = /\p{Cs}/u.test(character)
    if (!isHalf && !text.includes(character)) absent.push(`U+${code}`)
  }
  // A parameter that is named at the beginning of a sentence.
  const [, parameter] = /^The parameter (?!contains )([A-Za-z_]+)/.exec(message) ?? []
  if (parameter !== undefined && !decoded(text).toLowerCase().includes(parameter.toLowerCase())) absent.push(parameter)
  for (const [, character = ''] of message.matchAll(/an unencoded (\S):/g))
    if (!text.includes(character)) absent.push(character)
  return absent
}

function decoded(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, escapes =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  )
}
