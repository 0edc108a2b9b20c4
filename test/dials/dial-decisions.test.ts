/** Decisions around dials without a socket: when to try again, which counters are charged, whose address it is, which product answers. */
import { describe, expect, it } from 'vitest'
import { serverProduct } from '#server/domain/checks/server-product.ts'
import { repeating } from '#server/domain/checks/withheld.ts'
import { BROKEN, backoffMs, jittered, UNREACHABLE } from '#server/domain/network/backoff.ts'
import { clientAddress, networkOf } from '#server/domain/network/client-address.ts'
import { canonicalHost, chargedForDial, dialBudgets, dialFamilies } from '#server/domain/network/dial-budget.ts'
import { helpingSetting } from '#server/domain/network/helping-setting.ts'
import {
  countedMarker,
  HALF_REFUSED,
  loginBudget,
  ownBudgets,
  placeBudget,
  REFUSED_LOGIN_COST,
  triedBudget,
  underWay,
} from '#server/domain/network/login-budget.ts'
import {
  addressBudgets,
  addressFamilies,
  chargedAtAddress,
  chargedAtHost,
  loginFamilies,
} from '#server/domain/network/login-charges.ts'

describe('A wait before the next try', () => {
  it('doubles up to its bound, and is between half of the step and all of it', () => {
    const steps = [0, 1, 2, 3, 10, 11, 12, 1_000].map(attempts => backoffMs(attempts, UNREACHABLE, 1))
    expect(steps).toEqual([5_000, 5_000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000, 3_600_000])
    expect([0, 0.5, 1].map(random => backoffMs(2, UNREACHABLE, random))).toEqual([5_000, 7_500, 10_000])
    expect([1, 6, 7].map(attempts => backoffMs(attempts, BROKEN, 1))).toEqual([1_000, 32_000, 60_000])
    expect(backoffMs(40, { baseMs: 1, maxMs: 1e12 }, 1)).toBe(2 ** 30)
  })

  it('of an interval is spread by a tenth either way', () => {
    expect([0, 0.5, 1].map(random => jittered(1_000, random))).toEqual([900, 1_000, 1_100])
  })
})

describe('The address of a caller', () => {
  it('is the first that is one, in its one spelling, without the interface and without a mapping', () => {
    expect(clientAddress(undefined, 'unknown', '2001:DB8::0:1')).toBe('2001:db8::1')
    expect(clientAddress('::ffff:203.0.113.9', '1.2.3.4')).toBe('203.0.113.9')
    expect(clientAddress('fe80::1%eth0')).toBe('fe80::1')
    expect(clientAddress('64:ff9b::cb00:7109')).toBe('64:ff9b::cb00:7109')
    expect([clientAddress(), clientAddress(undefined), clientAddress('')]).toEqual([null, null, null])
  })

  it('is counted by the /64 of IPv6, and alone of IPv4', () => {
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('20010db800010002')
    expect(networkOf('2001:db8:1:2::')).toBe('20010db800010002')
    expect(networkOf('2001:db8:1:3::')).not.toBe('20010db800010002')
    expect([networkOf('203.0.113.9'), networkOf(null), networkOf('none')]).toEqual(['203.0.113.9', 'unknown', 'none'])
  })
})

const TARGET = { host: 'DB.acme.io', port: 5432, login: 'hash' }

describe('The counters of a dial', () => {
  it('are of the organization, of the place as it is written, and of the address after a connection', () => {
    expect(dialBudgets('one', TARGET)).toEqual([
      { key: 'dial-organization one', limit: 600, windowMs: 60_000 },
      { key: 'dial-place one 5432 db.acme.io', limit: 60, windowMs: 60_000 },
    ])
    expect(chargedForDial('one', { host: '203.0.113.9', port: 5432 })).toEqual([
      { key: 'dial-address 5432 203.0.113.9', limit: 600, windowMs: 60_000 },
      { key: 'dial-address-of one 5432 203.0.113.9', limit: 60, windowMs: 60_000 },
    ])
    expect(dialFamilies('one', 5432)).toEqual([
      { prefix: 'dial-address 5432 ', limit: 600 },
      { prefix: 'dial-address-of one 5432 ', limit: 60 },
    ])
    expect(canonicalHost('DB.Acme.IO')).toBe('db.acme.io')
  })
})

describe('The counters of refused logins', () => {
  const quarter = { windowMs: 900_000 }
  it('count a login by whomever, and each organization apart', () => {
    expect([REFUSED_LOGIN_COST, HALF_REFUSED]).toEqual([2, 1])
    expect(loginBudget(TARGET, 'DB')).toEqual({ key: 'login 5432 hash db', limit: 20, ...quarter })
    expect(underWay(TARGET)).toEqual({ key: 'under-way 5432 hash db.acme.io', limit: 10, windowMs: 60_000 })
    expect(triedBudget('one', TARGET, 'DB')).toEqual({ key: 'tried one 5432 hash db', limit: 1, ...quarter })
    expect(placeBudget('one', 5432, 'DB')).toEqual({ key: 'place one 5432 db', limit: 20, ...quarter })
    expect(ownBudgets('one', TARGET)).toEqual([
      { key: 'place one 5432 db.acme.io', limit: 20, ...quarter },
      { key: 'organization one', limit: 120, ...quarter },
    ])
    expect(countedMarker({ organizationId: 'one', datasourceId: 'd', version: 3 })).toEqual({
      key: 'counted one d 3',
      limit: 1,
      ...quarter,
    })
  })

  it('are charged at the host as written, and at the address that refused where that is another one', () => {
    expect(chargedAtHost('one', TARGET).map(({ key }) => key)).toEqual([
      'login 5432 hash db.acme.io',
      'tried one 5432 hash db.acme.io',
      'place one 5432 db.acme.io',
      'organization one',
    ])
    expect(chargedAtAddress('one', TARGET, '203.0.113.9').map(({ key }) => key)).toEqual([
      'login 5432 hash 203.0.113.9',
      'tried one 5432 hash 203.0.113.9',
      'place one 5432 203.0.113.9',
    ])
    expect(chargedAtAddress('one', { ...TARGET, host: 'FD00::1' }, 'fd00::1')).toEqual([])
  })

  it('leave to one organization a share of an address alone', () => {
    expect(addressBudgets('one', '203.0.113.9')).toEqual({
      own: { key: 'address-of one 203.0.113.9', limit: 60, ...quarter },
      all: { key: 'address 203.0.113.9', limit: 600, ...quarter },
    })
    expect(addressFamilies('one', TARGET)).toEqual([
      { prefix: 'place one 5432 ', limit: 20 },
      { prefix: 'address-of one ', limit: 60 },
      { prefix: 'address ', limit: 600 },
      ...dialFamilies('one', 5432),
    ])
    expect(loginFamilies('one', TARGET)).toEqual({
      login: { prefix: 'login 5432 hash ', limit: 20 },
      tried: { prefix: 'tried one 5432 hash ', limit: 1 },
    })
  })
})

describe('The setting that helps', () => {
  it.each([
    ['byo_host_not_allowed', '', 'MOORING_ALLOWED_NETWORKS'],
    ['port_refused', '', 'MOORING_ALLOWED_NETWORKS'],
    ['name_not_found', '', 'MOORING_DNS_SERVERS'],
    ['dialler_busy', '', 'MOORING_DIAL_PROCESSES'],
    ['resource_limit_reached', 'POST /v1/capabilities', 'MOORING_MAX_CAPABILITIES'],
    ['resource_limit_reached', 'organization.createKey', 'MOORING_MAX_KEYS'],
    ['resource_limit_reached', 'POST /api/v1/connections', 'MOORING_MAX_DATASOURCES'],
    ['resource_limit_reached', 'datasources.register', 'MOORING_MAX_DATASOURCES'],
  ])('with %s at "%s" is %s', (code, route, setting) => {
    expect(helpingSetting(code, route)).toEqual({ setting })
  })

  it('is none where no setting changes the refusal', () => {
    expect(helpingSetting(null)).toEqual({})
    expect(helpingSetting('toString')).toEqual({})
    expect(helpingSetting('login_refused')).toEqual({})
    expect(helpingSetting('resource_limit_reached', 'feeds.push')).toEqual({})
    expect(helpingSetting('resource_limit_reached')).toEqual({})
  })
})

describe('A server that reports its product', () => {
  it.each([
    ['crdb_version', 'v23', 'CockroachDB'],
    ['padb_version', '1', 'Amazon Redshift'],
    ['server_version', '8.0.2', 'Amazon Redshift'],
    ['server_version', '8.0.2 (build 7)', 'Amazon Redshift'],
    ['server_version', '9.4.26', 'Greenplum 6 or PostgreSQL 9.4'],
    ['server_version', '9.4.26 (build 7)', 'Greenplum 6 or PostgreSQL 9.4'],
    ['server_version', '11.2-YB-2.20.1.0-b0', 'YugabyteDB'],
    ['server_version', '9.5.0 (Materialize v1)', 'Materialize'],
    ['server_version', '13.4 risingwave', 'RisingWave'],
    ['server_version', '9.2.4 GaussDB', 'openGauss'],
    ['server_version', '16.3 CedarDB', 'CedarDB'],
    ['server_version', '12.12 Greenplum', 'Greenplum'],
    ['server_version', '12.22', 'PostgreSQL 12.22'],
    ['server_version', '9.6.24 (Debian)', 'PostgreSQL 9.6.24'],
    ['server_version', '10', 'PostgreSQL 10'],
  ])('by %s %s is %s', (parameter, value, product) => {
    expect(serverProduct(parameter, value)).toBe(product)
  })

  it('may be a PostgreSQL that is supported', () => {
    for (const version of [
      '13.0',
      '13',
      '18.1 (Debian 18.1-1)',
      '19devel',
      '1.23.1/bouncer',
      'x',
      '',
      '12.1.2.3',
      '12345',
    ])
      expect(serverProduct('server_version', version), version).toBeNull()
    expect(serverProduct('client_encoding', '8.0.2')).toBeNull()
  })

  it('is looked for in the first hundred characters', () => {
    expect(serverProduct('server_version', `13.1 ${'x'.repeat(100)} CedarDB`)).toBeNull()
  })
})

describe('A name that a server answers', () => {
  it('is withheld where it repeats a password, in any spelling of it', () => {
    const isRepeated = repeating('Tell-N0-one!')
    for (const name of [
      'x Tell-N0-one! y',
      'TELL-N0-ONE!',
      'VGVsbC1OMC1vbmUh',
      '54656c6c2d4e302d6f6e6521',
      'a tell-N0- b',
    ])
      expect(isRepeated(name), name).toBe(true)
    for (const name of ['', 'tell-N0', 'one', 'public']) expect(isRepeated(name), name).toBe(false)
    expect(repeating('a b/c')('a%20b%2Fc')).toBe(true)
    expect(repeating('abcd')('xABCDx')).toBe(true)
    expect(repeating('abc')('abc')).toBe(false)
  })
})
