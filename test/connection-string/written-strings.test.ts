/** Connection strings that leases hand out: written so that the parser, and drivers, read the same target back. */
import { describe, expect, it } from 'vitest'
import { parseConnectionString, type Target } from '#shared/connection-string/connection-string.ts'
import { formatConnectionString, withEncodedName } from '#shared/connection-string/connection-string-text.ts'

const TARGET: Target = {
  ...{ host: 'db.acme.io', port: 5432, database: 'shop', user: 'app', password: 'secret-1', tlsMode: 'require' },
  ...{ channelBinding: 'prefer', sslNegotiation: 'postgres', applicationName: null, connectTimeoutSeconds: null },
  neonEndpoint: null,
}
const written = (more: Partial<Target>) => formatConnectionString({ ...TARGET, ...more })

describe('A connection string that is written', () => {
  it.each<[string, Partial<Target>, string]>([
    ['leaves defaults out', {}, 'postgresql://app:secret-1@db.acme.io/shop'],
    ['names another port', { port: 6543 }, 'postgresql://app:secret-1@db.acme.io:6543/shop'],
    ['brackets IPv6', { host: '2600:1f18::1' }, 'postgresql://app:secret-1@[2600:1f18::1]/shop'],
    [
      'names the mode of TLS',
      { tlsMode: 'verify-full' },
      'postgresql://app:secret-1@db.acme.io/shop?sslmode=verify-full',
    ],
    [
      'names all parameters, in one order',
      {
        ...{ tlsMode: 'verify-ca', channelBinding: 'require', sslNegotiation: 'direct', connectTimeoutSeconds: 10 },
        ...{ applicationName: 'a b', neonEndpoint: 'ep-cool-1' },
      },
      'postgresql://app:secret-1@db.acme.io/shop?sslmode=verify-ca&channel_binding=require&sslnegotiation=direct' +
        '&application_name=a%20b&connect_timeout=10&options=endpoint%3Dep-cool-1',
    ],
    [
      'escapes a login by the bytes of UTF-8, in capitals',
      { user: 'ä\n@', password: '/:?#[]%\\ 🐘' },
      'postgresql://%C3%A4%0A%40:%2F%3A%3F%23%5B%5D%25%5C%20%F0%9F%90%98@db.acme.io/shop',
    ],
    [
      'keeps what a login may hold',
      { password: "a-_.~!$&'()*+,;=z" },
      "postgresql://app:a-_.~!$&'()*+,;=z@db.acme.io/shop",
    ],
    [
      'keeps what drivers do not decode in a name',
      { database: 'a/b:c@d=?#' },
      'postgresql://app:secret-1@db.acme.io/a/b:c@d=%3F%23',
    ],
    [
      'escapes what ends a parameter',
      { applicationName: 'a&b=c/d:e#f%g' },
      'postgresql://app:secret-1@db.acme.io/shop?application_name=a%26b%3Dc%2Fd%3Ae%23f%25g',
    ],
  ])('%s', (_, more, text) => expect(written(more)).toBe(text))

  it.each<Partial<Target>>([
    {},
    { host: '2600:1f18::1', port: 6543 },
    { user: 'ä+b', password: '/: +@?#[]%\\🐘', database: 'a/b@c:d e' },
    { tlsMode: 'disable' },
    { tlsMode: 'verify-full', channelBinding: 'disable', sslNegotiation: 'direct', connectTimeoutSeconds: 5 },
    { applicationName: 'a&b c/d:e' },
    { host: 'x.eu-central-1.aws.neon.tech', neonEndpoint: 'ep-cool-1' },
  ])('is read back as the same target: %j', more => {
    expect(parseConnectionString(withEncodedName(written(more)))).toMatchObject({
      ok: true,
      target: { ...TARGET, ...more },
    })
  })
})

describe('The name of a database in a string that is written', () => {
  it.each([
    ['postgresql://a:b@c.io/d/e@f', 'postgresql://a:b@c.io/d%2Fe%40f'],
    ['postgres://a:b@c.io/d/e?x=/@', 'postgres://a:b@c.io/d%2Fe?x=/@'],
    ['postgres://a:b@c.io/d?x=1\n/', 'postgres://a:b@c.io/d?x=1\n/'],
    ['postgres://a:b@c.io/', 'postgres://a:b@c.io/'],
    ['postgres://a:b@c.io', 'postgres://a:b@c.io'],
    ['postgres://c.io?x=a/b', 'postgres://c.io?x=a/b'],
    ['mysql://a:b@c.io/d/e', 'mysql://a:b@c.io/d/e'],
    [' postgres://a:b@c.io/d/e', ' postgres://a:b@c.io/d/e'],
  ])('has no slash and no @: %j', (text, wanted) => expect(withEncodedName(text)).toBe(wanted))
})
