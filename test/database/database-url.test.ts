/** `DATABASE_URL` is read as libpq reads a connection URI, and an error names the parameter and never the value. */
import { describe, expect, it } from 'vitest'
import { DatabaseUrlError, parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import { OwnPlaces } from '#server/store/connection/database-addresses.ts'

const LOGIN = 'postgres://mooring:p%40w@'

function refused(url: string): string {
  try {
    parseDatabaseUrl(url)
    return 'taken'
  } catch (error) {
    return error instanceof DatabaseUrlError ? error.message : String(error)
  }
}

describe('The hosts of a DATABASE_URL', () => {
  it.each<[string, [string, number][]]>([
    ['db.internal', [['db.internal', 5432]]],
    ['db.internal:6432', [['db.internal', 6432]]],
    [
      'h1,h2',
      [
        ['h1', 5432],
        ['h2', 5432],
      ],
    ],
    [
      'h1:5433,h2:5434',
      [
        ['h1', 5433],
        ['h2', 5434],
      ],
    ],
    [
      'h1,h2:5434',
      [
        ['h1', 5432],
        ['h2', 5434],
      ],
    ],
    [
      '[fd00::5]:6432,10.0.0.7',
      [
        ['fd00::5', 6432],
        ['10.0.0.7', 5432],
      ],
    ],
    ['%2Fvar%2Frun%2Fpostgresql', [['/var/run/postgresql', 5432]]],
  ])('may be several, each with a port: %s', (hosts, places) => {
    const { database, user, password, ...parsed } = parseDatabaseUrl(`${LOGIN}${hosts}/mooring`)
    expect(parsed.places.map(({ host, port }) => [host, port])).toEqual(places)
    expect([database, user, password]).toEqual(['mooring', 'mooring', 'p@w'])
  })

  it.each<[string, [string, number][]]>([
    [
      'host=h1,h2&port=5433',
      [
        ['h1', 5433],
        ['h2', 5433],
      ],
    ],
    [
      'host=h1,h2&port=5433,5434',
      [
        ['h1', 5433],
        ['h2', 5434],
      ],
    ],
    ['host=/run/postgresql', [['/run/postgresql', 5432]]],
    [
      'host=h1,h2&port=,5434',
      [
        ['h1', 5432],
        ['h2', 5434],
      ],
    ],
  ])('may come from parameters: %s', (query, places) => {
    const parsed = parseDatabaseUrl(`postgresql:///mooring?${query}`)
    expect(parsed.places.map(({ host, port }) => [host, port])).toEqual(places)
  })

  it.each([
    ['h1,h2/mooring?port=1,2,3', 'DATABASE_URL: port must be one port, or as many as there are hosts.'],
    ['h1:99999/mooring', 'DATABASE_URL: port must be a whole number from 1 to 65535.'],
    [
      'h1,/mooring',
      'DATABASE_URL must be a connection string that begins with postgres:// and names a host and a database.',
    ],
    ['::1/mooring', 'DATABASE_URL: host must be a name or an address, an IPv6 address in brackets.'],
  ])('are refused by name: %s', (rest, message) => {
    expect(refused(LOGIN + rest)).toBe(message)
  })
})

describe('A parameter of a DATABASE_URL', () => {
  it.each([
    [
      'sslmode=REQUIRE',
      'DATABASE_URL: sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full.',
    ],
    ['target_session_attrs=standby', 'DATABASE_URL: target_session_attrs must be one of any, read-write, primary.'],
    ['connect_timeout=soon', 'DATABASE_URL: connect_timeout must be a whole number of seconds up to 9999.'],
    ['sslcert=/a.pem', 'DATABASE_URL: sslcert must be given together with sslkey.'],
    ['sslrootcert=system&sslmode=require', 'DATABASE_URL: sslmode must be verify-full if sslrootcert is system.'],
    ['sslnegotiation=direct', 'DATABASE_URL: sslnegotiation must be postgres if sslmode is weaker than require.'],
    ['passfile=/etc/pgpass', 'DATABASE_URL: passfile must be left out: Mooring does not support it.'],
    ['sslmode=%zz', 'DATABASE_URL: sslmode must be percent-encoded.'],
  ])('that is invalid is named, with its valid values: %s', (query, message) => {
    expect(refused(`${LOGIN}db/mooring?${query}`)).toBe(message)
  })

  it('is never repeated by its value, and neither is the login', () => {
    const secret = 'Tell-N0-one'
    const texts = [
      refused(`postgres://a:${secret}@db/mooring?sslmode=${secret}`),
      refused(`postgres://a:${secret}@db/mooring?${secret}=1`),
      refused(`postgres://a:${secret}@db:${secret}/mooring`),
    ]
    expect(texts.filter(text => text.includes(secret) || text === 'taken')).toEqual([])
  })

  it('that libpq accepts and that has no effect here is accepted', () => {
    expect(refused(`${LOGIN}db/mooring?keepalives_idle=30&channel_binding=prefer&`)).toBe('taken')
  })
})

describe('TLS to our own database', () => {
  const ways = (query: string, host = 'db.internal') => {
    const places = new OwnPlaces(parseDatabaseUrl(`${LOGIN}${host}/mooring${query}`), () => 0)
    return Array.from({ length: places.size }, () => {
      const client = {}
      const attempt = places.current()
      places.tried(client, attempt)
      const { ssl } = places.options(attempt)
      places.failed(client)
      return ssl
    })
  }

  it.each([
    ['?sslmode=disable', [false]],
    ['', [{ rejectUnauthorized: false }, false]],
    ['?sslmode=allow', [false, { rejectUnauthorized: false }]],
    ['?sslmode=require', [{ rejectUnauthorized: false }]],
    ['?ssl=true', [{ rejectUnauthorized: false }]],
    ['?sslmode=verify-ca', [{ rejectUnauthorized: true, checkServerIdentity: expect.any(Function) }]],
    ['?sslmode=verify-full', [{ rejectUnauthorized: true, servername: 'db.internal' }]],
    ['?sslrootcert=system', [{ rejectUnauthorized: true, servername: 'db.internal' }]],
  ])('follows libpq: %s', (query, expected) => {
    expect(ways(query)).toEqual(expected)
  })

  it('verifies the chain under require when authorities are named', () => {
    const file = new URL(import.meta.url).pathname
    expect(ways(`?sslmode=require&sslrootcert=${file}`)).toEqual([
      { rejectUnauthorized: true, ca: expect.any(String), checkServerIdentity: expect.any(Function) },
    ])
  })

  it('does not apply to a socket of this machine', () => {
    expect(ways('?sslmode=require', '%2Frun%2Fpostgresql')).toEqual([false])
  })

  it('names the parameter of a file that cannot be read', () => {
    expect(() => ways('?sslmode=verify-full&sslrootcert=/nowhere.pem')).toThrow(
      'DATABASE_URL: sslrootcert must be the path of a PEM file that this process can read.',
    )
  })
})
