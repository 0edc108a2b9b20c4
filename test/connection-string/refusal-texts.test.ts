/**
 * The sentences that a person reads about a connection string, word for word: why it is refused, or what to change
 * although it is accepted. `test/vectors/connection-string/*.txt` are reviewed like code, and `npm run -s vitest --
 * test/connection-string/refusal-texts.test.ts -u` rewrites them.
 */
import { expect, it } from 'vitest'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'

/** The verdict on a string: its refusal; or the target's parameters that are no defaults, the schema and the advice. */
function read(text: string): string {
  const parsed = parseConnectionString(text)
  if (!parsed.ok) return `${parsed.code}: ${parsed.message}`
  const { tlsMode, channelBinding, sslNegotiation, applicationName, connectTimeoutSeconds, neonEndpoint } =
    parsed.target
  const settings = [tlsMode, channelBinding, sslNegotiation, applicationName, connectTimeoutSeconds, neonEndpoint]
  const advice = parsed.advisories.map(({ item, recommendation }) => `\n  ${item}: ${recommendation}`).join('')
  return `ok, ${parsed.target.database} ${parsed.schema ?? '-'} ${settings.map(it => it ?? '-').join(' ')}${advice}`
}

function url(text: string): string {
  const parsed = parseEndpointUrl(text)
  return parsed.ok ? `ok, ${shown(parsed.url.href)}` : `${parsed.code}: ${parsed.message}`
}

const texts = (inputs: readonly string[], verdict = read) =>
  inputs.map(input => `${shown(input)}\n  ${verdict(input)}\n`).join('\n')
const shown = (input: string) =>
  input.length > 200
    ? `${input.slice(0, 30)}… of ${input.length} characters`
    : JSON.stringify(input).replaceAll(/[^\n -~]/g, escaped)
const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
const file = (name: string) => `../vectors/connection-string/${name}.txt`

const on = (query: string, host = 'db.acme.io') => `postgres://app:hunter2secret@${host}/shop?${query}`
const NEON = 'x.eu-central-1.aws.neon.tech'

const PARAMETERS = [
  ...['', '&', 'pool=1&', 'a', 'sslmode', '=x', 's=', 'sslmode=require&&ssl=true', 'sslmode=require?ssl=true'],
  ...[
    'sslmode=require?',
    'sslmode?=x',
    'application_name=a=b',
    'application_name==b',
    'options=a=b',
    'schema=a&schema=b',
  ],
  ...[
    'schema=a&schema=a',
    'hunter2secret=1&hunter2secret=2',
    'a-b=1',
    'host=x',
    'sslcert=x',
    'sslcert=',
    'sslrootcert=',
  ],
  ...[
    'sslrootcert=system',
    'sslrootcert=system&sslmode=verify-full',
    'sslrootcert=system&sslmode=require',
    'sslrootcert=x',
  ],
  ...['gssencmode=disable', 'gssencmode=require', 'sslaccept=strict', 'sslaccept=accept_invalid_certs', 'role=x'],
  ...[
    'application_name=etl',
    'application_name=',
    'connect_timeout=0',
    'connect_timeout=10',
    'connect_timeout=1234567',
  ],
  ...[
    'connect_timeout=10;',
    "connect_timeout=10'",
    'connect_timeout=ten',
    'channel_binding=require',
    'channel_binding=Require',
  ],
  ...[
    'sslnegotiation=direct',
    'sslnegotiation=tls',
    'sslmode=require)',
    'sslmode=Require',
    'sslmode=verify_full',
    'ssl=true',
  ],
  ...[
    'sslmode=verifyca',
    'sslmode=require&ssl=true',
    'sslmode=no',
    'sslmode=requir',
    'sslmode=xyz',
    'ssl=1',
    'ssl=false',
  ],
  ...['ssl={"rejectUnauthorized":false}', 'ssl={rejectUnauthorized:true}', 'sslmode={"rejectUnauthorized":true}'],
  ...['ssl=true&sslmode=disable', 'sslmode=disable&channel_binding=require', 'sslnegotiation=direct&sslmode=disable'],
  ...[
    'sslnegotiation=direct&sslmode=allow',
    'sslnegotiation=direct&sslmode=prefer',
    'sslnegotiation=direct&sslmode=verify-ca',
  ],
  ...[
    'options=',
    'options=reference%3Dx',
    'options=x-reference%3Dx',
    'options=-c%20search_path%3Dx',
    'options=--cluster%3Dx',
  ],
  ...[
    'options=endpoint%3Dx%20-c%20a%3Db',
    'options=project%3Dx%20y',
    'options=-c%20role%3Dx',
    'options=endpoint%3Dep-1',
  ],
].map(query => on(query))

const ON_NEON = [
  'options=endpoint%3Dep-1',
  'options=project%3Dep-1',
  'options=endpoint%3D-',
  'options=endpoint%3DEP',
].map(query => on(query, NEON))

const UNKNOWN = [
  ...['sslmod=require', 'SSLMODE=require', 'tls=1', 'useSSL=true', 'ssl-ca=x', 'sslca=x', 'appName=x', 'timeout=1'],
  ...[
    'defaultSchema=x',
    'User%20Id=x',
    'username=x',
    'pwd=x',
    'dataSource=x',
    'zzzzzzzz=1',
    'a1=1&b2=2',
    'a1=1&b2=2&c3=3',
  ],
  ...[[...'abcdefghij'].map(one => `${one}1=1`).join('&'), [...'abcdefghijk'].map(one => `${one}1=1`).join('&')],
  ...[
    'hunter2secret=1',
    'hunter2s=1',
    'hunter2=1',
    'x_hunter2sec=1',
    'a-b=1',
    `${'a'.repeat(33)}=1`,
    '1a=1',
    'constructor=1',
  ],
].map(query => on(query))

const long = 'é'.repeat(31)
const SCHEMAS = [
  ...[
    'schema=',
    'schema=sales',
    'currentSchema=sales',
    'search_path=sales',
    'schema=a,b',
    'schema=a%20b',
    'schema=%22a%22',
  ],
  ...['schema=%22a,%20%22%22b%22', 'schema=%22', 'schema=%22%22', 'schema=a%22', 'schema=%22a%22b', 'schema=x%22a%22'],
  ...[
    'schema=a&currentSchema=a',
    'schema=a&currentSchema=b',
    'currentSchema=a&search_path=b',
    'schema=a,b&search_path=c',
  ],
  ...['schema=a&currentSchema=a&search_path=b', `schema=${encodeURIComponent(`${long}x`)}`, 'schema=a%E2%80%8Bb'],
  ...[`schema=${encodeURIComponent(`${long}xy`)}`, 'pool=', 'schema=%22a%E2%80%8Bb%22'],
].map(query => on(query))

const text = (login: string, rest = 'db.acme.io/shop') => `postgres://${login}@${rest}`
const WHOLE = [
  ...['postgres://', 'postgres://db.acme.io/shop', 'mysql://a:b@c.io/d', 'gres://a:b@c.io/d', 'postgre://a:b@c.io/d'],
  ...[
    'gresql://a:b@c.io/d',
    'x',
    `postgres://a:b@c.io/${'d'.repeat(8_172)}`,
    `postgres://a:b@c.io/${'d'.repeat(8_173)}`,
  ],
  ...[
    text('app'),
    text(':secret'),
    text('app:'),
    text('app:[YOUR-PASSWORD]'),
    text('[user]:secret'),
    text('user:password'),
  ],
  ...[
    text('superuser:password'),
    text('users:secret'),
    text('user:mypassword1'),
    text('a%E2%80%8Bb:secret'),
    text('app:p%'),
  ],
  ...[text('app:p@ss'), text('app:p@s/s'), text('app:p@s#ä'), text('app:p@s s'), text('app:pä'), text('app:p\u2019s')],
  ...[text('app:p\u2013s'), text('app:p s'), text('app:p%zz@'), text('app:p%E4'), text('app:p%00'), text('a b:p')],
  ...[text('app:s3cret', 'host/shop'), text('app:s3cret', 'hosts/shop'), text('app:s3cret', 'HOST:PORT/shop')],
  ...[
    text('app:s3cret', 'db.acme.io:port/shop'),
    text('app:s3cret', 'db.acme.io:ports/shop'),
    text('app:s3cret', 'x.x.x.x/shop'),
  ],
  ...[text('app:s3cret', 'xx.io/shop'), text('app:s3cret', 'db.acme.io/[db]'), text('app:s3cret', 'db.acme.io')],
  ...[text('app:s3cret', 'db.acme.io?sslmode=require'), text('app:s3cret', 'db.acme.io/'), text('app:s3cret', '/shop')],
  ...[
    text('app:s3cret', 'db.acme.io/shop.'),
    text('app:s3cret', 'db.acme.io/sh.op'),
    text('app:s3cret', 'db.acme.io/a%2F..'),
  ],
  ...[
    text('app:s3cret', 'db.acme.io/.'),
    text('app:s3cret', 'db.acme.io/..%2Fa'),
    text('app:s3cret', 'db.acme.io/...%2F.a'),
  ],
  ...[text('app:s3cret', 'db.acme.io/a%3Db'), text('app:s3cret', 'db.acme.io/postgres%3A%2F%2Fa')],
  ...[text('app:s3cret', 'db.acme.io/xpostgres%3A%2F%2Fa'), text('app:s3cret', `db.acme.io/${'a'.repeat(63)}`)],
  ...[text('app:s3cret', `db.acme.io/${'a'.repeat(64)}`), text('app:s3cret', 'db.acme.io/a%E2%80%AEb')],
  ...[
    text('app:s3cret', 'db.acme.io/shop?application_name=a@b'),
    text('app:s3cret', 'db.acme.io:5432/shop?sslmode=a@b'),
  ],
  ...[text('app:s3cret', 'db.acme.io/shop?a@b'), text('app:s3cret', 'db.acme.io/shop?=a@b')],
]

const STRING = 'postgres://app:s3cret@db.acme.io:5432/shop?sslmode=require'
const at = (place: string, character: string) => STRING.replace(place, `${character}${place}`)
const STRAY = [
  ...[`${STRING}\nx`, `${STRING}\r\nx`, `A=1\n${STRING}`, `A=1\r${STRING}`, `${STRING}\n# x`, `${STRING}\nexport A=1`],
  ...[
    `${STRING}\nPGUSER=x`,
    `${STRING}\n  -- x`,
    STRING.replace('acme', 'ac\nme'),
    `${STRING}\nAB=x`,
    `${STRING}\npguser=x`,
  ],
  ...[
    `\u200b${STRING}`,
    `${STRING}\u200b`,
    `${STRING} \u200b `,
    at('app', '\u200b'),
    at('s3cret', '\u200b'),
    at('cret', '\u200b'),
  ],
  ...[
    at('acme', '\u200b'),
    at('432', '\u200b'),
    at('hop', '\u200b'),
    at('require', '\u200b'),
    at('gres', '\u200b'),
    at('://', '\u00a0'),
  ],
  ...[
    at('@', '\u200b'),
    at(':s3', '\u200b'),
    at('p:s', '\u200b'),
    at('/app', '\u200b'),
    at('db', '\u200b'),
    at('acme', '\t'),
  ],
  ...[
    at('acme', '\ufffd'),
    at('acme', '\u0000'),
    at('acme', '\u2028'),
    'x\u200by',
    '\u200b',
    '\u200bx',
    'post\u200bgres:/x',
  ],
  ...[
    'postgres://app:s3cret@[26\u200b00::1]:5432/shop',
    'postgres://app@db.ac\u200bme.io/shop',
    'postgres://db.ac\u200bme.io:1/shop',
  ],
  ...[
    ` ${STRING}`,
    `${STRING} `,
    `"${STRING}"`,
    `'${STRING}'`,
    `"${STRING}`,
    `${STRING}"`,
    `"${STRING}";`,
    `'${STRING}',`,
  ],
  ...[
    `\u201c${STRING}\u201d`,
    `${STRING}'`,
    `${STRING}"}`,
    `${STRING}"])`,
    `"${STRING}"})`,
    `${STRING}")x`,
    `[${STRING}]`,
    `([${STRING}])`,
  ],
  ...[`<${STRING}>`, `- ${STRING}`, `(-${STRING}`, `**${STRING}**`, `= ${STRING}`, `${STRING} -c x`, `${STRING} --x`],
  ...[
    'postgres://app:s3cret@db.acme.io/shop -c x',
    'postgres://app:s3cret@db.acme.io/shop // x',
    'postgres://app:s3cret@db.acme.io/shop  | x',
  ],
  ...[
    'postgres://app:s3cret@db.acme.io/shop && x',
    'postgres://app:s3cret@db.acme.io/shop x',
    'postgres://app:s3 -c@db.acme.io/shop',
  ],
  ...['postgres ://a:b@c.io/d', 'postgres: //a:b@c.io/d', 'postgres:/ /a:b@c.io/d', 'x postgres ://a:b@c.io/d'],
  ...['postgres:\\\\a:b@c.io/d', 'postgres:\\a:b@c.io/d', 'postgres:/\\a:b@c.io/d', 'x postgres:\\\\a:b@c.io/d'],
  ...[
    on('application_name="etl"'),
    on('application_name="etl'),
    on('application_name=e"tl"'),
    on('a="b"&sslmode=require"'),
  ],
]

const URLS = [
  ...[
    '',
    'https://',
    'ftp://a.io/',
    'https://a.io/#x',
    'https://a:b@c.io/',
    'https://a.io/@b?c@d',
    'HTTP://A.io',
    'http:80/',
  ],
  ...[
    'https://a.io:443/',
    'https://a.io:8443',
    'http://a.io:80?x',
    'https://[::1]:443/',
    'https://a.io/ä',
    'https://a.io/%',
  ],
  ...[
    'https://a.io/a b',
    'https://a.io/\u2026',
    `https://a.io/${'a'.repeat(2_035)}`,
    `https://a.io/${'a'.repeat(2_036)}`,
    'https://a.io/\u007f',
  ],
]

it.each([
  ['Parameters', 'parameters', [...PARAMETERS, ...ON_NEON]],
  ['Unknown parameters', 'unknown-parameters', UNKNOWN],
  ['Schemas', 'schemas', SCHEMAS],
  ['Strings as a whole', 'strings', WHOLE],
  ['Characters around and inside strings', 'stray-characters', STRAY],
] as const)('%s are accepted, or refused with the reason', async (_, name, inputs) => {
  await expect(texts(inputs)).toMatchFileSnapshot(file(name))
})

it('URLs of endpoints are accepted, or refused with the reason', async () => {
  await expect(texts(URLS, url)).toMatchFileSnapshot(file('endpoint-urls'))
})
