/** Valid connection strings and their parameters; invalid ones and their refusals. */
import { describe, expect, it } from 'vitest'
import { canonicalTarget, parseConnectionString, type Target } from '#shared/connection-string/connection-string.ts'

function read(text: string) {
  const parsed = parseConnectionString(text)
  if (!parsed.ok) throw new Error(`refused: ${parsed.code}`)
  return parsed
}

function refusal(text: string) {
  const parsed = parseConnectionString(text)
  if (parsed.ok) throw new Error('accepted')
  return parsed
}

const withQuery = (query: string) => `postgres://app:secret@db.acme.io/app?${query}`

describe('a connection string', () => {
  it('is read into every parameter, with TLS required by default', () => {
    const { target, advisories } = read('postgres://app:p%40ss@DB.Acme.io/ledger')
    expect(target).toEqual({
      host: 'db.acme.io',
      port: 5432,
      database: 'ledger',
      user: 'app',
      password: 'p@ss',
      tlsMode: 'require',
      channelBinding: 'prefer',
      sslNegotiation: 'postgres',
      applicationName: null,
      connectTimeoutSeconds: null,
      neonEndpoint: null,
    } satisfies Target)
    expect(advisories).toEqual([])
  })

  it('accepts both schemes in any case, IPv4, bracketed IPv6, names and punycode', () => {
    for (const scheme of ['postgres', 'postgresql', 'POSTGRES', 'PostgreSQL']) {
      expect(read(`${scheme}://u:p@db.acme.io/app`).target.host).toBe('db.acme.io')
    }
    expect(read('postgres://u:p@52.95.110.1:6543/app').target).toMatchObject({ host: '52.95.110.1', port: 6543 })
    expect(read('postgres://u:p@[2600:1F18:0::1]:6543/app').target).toMatchObject({ host: '2600:1f18::1', port: 6543 })
    expect(read('postgres://u:p@xn--bcher-kva.de/app').target.host).toBe('xn--bcher-kva.de')
  })

  it('decodes escapes as libpq does: UTF-8 in every part, and a plus sign is a plus sign', () => {
    const { target } = read('postgres://%C3%A4+b:%2F%3a%20+@db.acme.io/a%2Fb?application_name=x+y%2B')
    expect(target).toMatchObject({ user: 'ä+b', password: '/: +', database: 'a/b', applicationName: 'x+y+' })
  })

  it('honours the parameters about TLS, time and name', () => {
    const query =
      'sslmode=verify-full&channel_binding=require&sslnegotiation=direct&connect_timeout=10&application_name=etl'
    expect(read(withQuery(query)).target).toMatchObject({
      tlsMode: 'verify-full',
      channelBinding: 'require',
      sslNegotiation: 'direct',
      connectTimeoutSeconds: 10,
      applicationName: 'etl',
    })
    for (const mode of ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']) {
      expect(read(withQuery(`sslmode=${mode}`)).target.tlsMode).toBe(mode)
    }
    expect(read(withQuery('ssl=true')).target.tlsMode).toBe('require')
    expect(read(withQuery('connect_timeout=0')).target.connectTimeoutSeconds).toBeNull()
  })

  it.for([
    'pgbouncer=true',
    'connection_limit=1',
    'pool_timeout=0',
    'schema=public',
    'statement_cache_size=0',
    'uselibpqcompat=true',
    'target_session_attrs=any',
    'load_balance_hosts=random',
    'keepalives_idle=30',
    'gssencmode=disable',
    'client_encoding=UTF8',
    'sslcertmode=disable',
    'prepareThreshold=0',
    'supa=base-pooler.x',
    'options=endpoint%3Dep-cool-1',
    'options=endpoint=ep-cool-1',
  ])('ignores %s with an advisory that names it', query => {
    const { target, advisories } = read(withQuery(query))
    expect(target).toEqual(read('postgres://app:secret@db.acme.io/app').target)
    expect(advisories).toEqual([{ item: query.slice(0, query.indexOf('=')), recommendation: expect.any(String) }])
  })

  it("honours Neon's endpoint option for Neon's hosts", () => {
    const { target, advisories } = read('postgres://u:p@x.eu-central-1.aws.neon.tech/app?options=endpoint%3Dep-cool-1')
    expect(target.neonEndpoint).toBe('ep-cool-1')
    expect(advisories).toHaveLength(1)
  })
})

describe('an unencoded character', () => {
  it.for([
    ['@', '%40'],
    ['/', '%2F'],
    [':', '%3A'],
    ['?', '%3F'],
    ['#', '%23'],
    ['%', '%25'],
    ['[', '%5B'],
    ['\\', '%5C'],
    [' ', '%20'],
  ] as const)(
    'the refusal names %s in a password and its encoding %s, and none of the text around it',
    ([character, encoded]) => {
      for (const password of [`hunter${character}xylophone`, `${character}xylophone`, `xylophone${character}`]) {
        const { message } = refusal(`postgres://app:${password}@db.acme.io/app?sslmode=require`)
        expect(message).toContain(encoded)
        expect(message).toContain(character === ' ' ? 'space' : character)
        expect(message).not.toMatch(/hunter|xylophone/)
        expect(read(`postgres://app:${encodeURIComponent(password)}@db.acme.io/app`).target.password).toBe(password)
      }
    },
  )

  it('is found in a user name as well, and when it makes a piece of the password look like a host', () => {
    expect(refusal('postgres://app@server:secret@db.acme.io/app').message).toContain('%40')
    // Between brackets it could be taken for a placeholder.
    expect(refusal('postgres://app:[p@ss]@db.acme.io/app').message).toContain('%5B')
    expect(refusal('postgres://app:{a:b}@db.acme.io/app').message).toContain('%7B')
    expect(refusal('postgres://app:one@db.evil.io/x?two=1@db.acme.io/app').message).toContain('%40')
  })

  it('outside ASCII is requested as UTF-8 escapes', () => {
    expect(refusal('postgres://app:pässword@db.acme.io/app').message).toContain('UTF-8')
    expect(refusal('postgres://app:p%E4ss@db.acme.io/app').code).toBe('escape_malformed')
  })
})

describe('a connection string that would lead elsewhere', () => {
  it.for([
    ...['host=x', 'hostaddr=1.2.3.4', 'port=1', 'dbname=x', 'user=x', 'password=x', 'service=x', 'servicefile=x'],
    ...['passfile=/x', 'sslcert=/x', 'sslkey=/x', 'sslrootcert=/x', 'sslcrl=/x', 'sslpassword=x', 'sslkeylogfile=/x'],
    ...['requirepeer=x', 'krbsrvname=x', 'gssencmode=require', 'replication=database', 'client_encoding=SQL_ASCII'],
    ...['options=-c%20role%3Dx', 'options=endpoint%3Dx%20-c%20role%3Dx', 'statement_timeout=0', 'require_auth=none'],
  ])('is refused by the name of its parameter: %s', query => {
    const { code, message } = refusal(withQuery(query))
    expect(code).toBe('parameter_refused')
    expect(message).toContain(query.slice(0, query.indexOf('=')))
  })

  it.for([
    ['sslmod=require', 'parameter_unknown'],
    ['SSLMODE=require', 'parameter_unknown'],
    ['%73slmode=require', 'parameter_unknown'],
    ['__proto__=x', 'parameter_unknown'],
    ['constructor=x', 'parameter_unknown'],
    ['sslmode', 'parameter_malformed'],
    ['sslmode=', 'parameter_value'],
    ['sslmode=Require', 'parameter_value'],
    ['ssl=false', 'parameter_value'],
    ['connect_timeout=-1', 'parameter_value'],
    ['channel_binding=yes', 'parameter_value'],
    ['application_name=a=b', 'character_unencoded'],
    ['application_name=a%0Ab', 'character_refused'],
    ['pgbouncer=true&pgbouncer=false', 'parameter_repeated'],
    ['ssl=true&sslmode=disable', 'parameter_value'],
    ['sslnegotiation=direct&sslmode=prefer', 'parameter_value'],
    ['channel_binding=require&sslmode=disable', 'parameter_value'],
    ['a=1&&b=2', 'parameter_malformed'],
  ] as const)('is refused for %s as %s', ([query, code]) => {
    expect(refusal(withQuery(query)).code).toBe(code)
  })

  it.for([
    ['postgres://u:p@db.acme.io#/app', 'character_unencoded'],
    ['postgres://u:p@db.acme.io/app#x', 'character_unencoded'],
    ['postgres://u:p@db.acme.io/a/b', 'character_unencoded'],
    ['postgres://u:p@db.acme.io/postgres%3A%2F%2Fx', 'database_refused'],
    [`postgres://u:p@db.acme.io/${'a'.repeat(64)}`, 'database_refused'],
    ['postgres://u:p@db.acme.io/a%E2%80%AEb', 'database_refused'],
    ['postgres://:p@db.acme.io/app', 'credentials_missing'],
    ['postgres://u:@db.acme.io/app', 'credentials_missing'],
    ['postgres://u:[YOUR-PASSWORD]@db.acme.io/app', 'credentials_missing'],
    ['postgres://u:p@db.acme.io:/app', 'port_malformed'],
    ['postgres://u:p@db.acme.io:05432/app', 'port_malformed'],
    ['postgres://u:p@2600::1/app', 'host_malformed'],
    ['postgres://u:p@db.acme.io\u0000/app', 'character_refused'],
    ['postgres://u:p\ud800@db.acme.io/app', 'character_refused'],
    ['postgres://u:p@db.acme.io/app\n', 'character_refused'],
    [' postgres://u:p@db.acme.io/app', 'scheme_refused'],
    ['poſtgres://u:p@db.acme.io/app', 'scheme_refused'],
  ] as const)('is refused: %j as %s', ([text, code]) => {
    expect(refusal(text).code).toBe(code)
  })
})

describe('the canonical text of a target', () => {
  it('is equal for two strings of the same login, and differs with every parameter and the CA', () => {
    const target = read('postgres://u:p@db.acme.io/app').target
    const same = read('POSTGRESQL://%75:p@DB.acme.io:5432/app?sslmode=require&pgbouncer=true').target
    expect(canonicalTarget(same, null)).toBe(canonicalTarget(target, null))
    const others = Object.keys(target).map(key => canonicalTarget({ ...target, [key]: 'other' }, null))
    const all = [canonicalTarget(target, null), canonicalTarget(target, 'PEM'), ...others]
    expect(new Set(all).size).toBe(Object.keys(target).length + 2)
  })

  it('does not depend on the order of keys or on the line ends of the CA', () => {
    const target = read('postgres://u:p@db.acme.io/app').target
    // The entries of a target, in another order, are a target.
    const reversed = Object.fromEntries(Object.entries(target).reverse()) as unknown as Target
    expect(canonicalTarget(reversed, 'A\r\nB\r\n')).toBe(canonicalTarget(target, 'A\nB'))
  })
})
