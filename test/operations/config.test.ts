/** The configuration: read once, with safe defaults, and an error that names the variable and not its value. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readConfig } from '#server/config.ts'
import { ConfigError } from '#server/env.ts'
import { createResolver } from '#server/net/socket/resolver.ts'

const DATABASE_URL = 'postgres://mooring:pw@db.internal/mooring'

describe('Without a DATABASE_URL', () => {
  it('everything is local: only loopback is listened on and may be dialled, and all files are under .data', () => {
    expect(readConfig({})).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      databaseUrl: null,
      localDir: resolve('.data'),
      keyring: resolve('.data/keyring'),
      openNetworks: ['127.0.0.0/8', '::1/128'],
      openNetworksByDefault: true,
      dnsServers: [],
      publicUrl: 'http://localhost:3000',
    })
  })

  it('MOORING_ALLOWED_NETWORKS replaces the open networks, even when it is empty', () => {
    const closed = readConfig({ MOORING_ALLOWED_NETWORKS: '' })
    expect([closed.openNetworks, closed.openNetworksByDefault]).toEqual([[], false])
    expect(readConfig({ MOORING_ALLOWED_NETWORKS: '10.1.0.0/16, fd00::/8' }).openNetworks).toEqual([
      '10.1.0.0/16',
      'fd00::/8',
    ])
  })
})

describe('With a DATABASE_URL', () => {
  it('nothing private may be dialled by default, and every address is listened on', () => {
    const config = readConfig({ DATABASE_URL })
    expect(config).toMatchObject({ databaseUrl: DATABASE_URL, host: '0.0.0.0', openNetworks: [] })
    expect(readConfig({ DATABASE_URL, HOST: '::1' }).host).toBe('::1')
  })
})

describe('A DATABASE_URL', () => {
  it.each([
    'postgresql://db.internal/mooring',
    'postgres://mooring:p%40w@[fd00::5]:6432/mooring?sslmode=verify-full',
    'postgresql:///mooring?host=/var/run/postgresql',
    'postgresql://mooring:pw@/mooring?host=/var/run/postgresql',
    'postgresql://mooring@%2Fvar%2Frun%2Fpostgresql/mooring',
  ])('names a host, or the folder of a socket, and a database: %s', url => {
    expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url)
  })
})

describe('A DATABASE_URL or a MOORING_LISTEN_URL', () => {
  it.each(['DATABASE_URL', 'MOORING_LISTEN_URL'])('that is wrong is named with its parameter: %s', variable => {
    const wrong = () => readConfig({ [variable]: 'postgres://app:secret@db:99999/app' })
    expect(wrong).toThrow(ConfigError)
    expect(wrong).toThrow(`${variable}: port must be a whole number from 1 to 65535.`)
  })
})

describe('A URL in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-url-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  it.each(['DATABASE_URL', 'MOORING_LISTEN_URL'])(
    'is read as if %s held it, without the line break at its end',
    name => {
      const key = name === 'DATABASE_URL' ? 'databaseUrl' : 'listenUrl'
      for (const end of ['', '\n', '\r\n'])
        expect(readConfig({ [`${name}_FILE`]: file('url', `${DATABASE_URL}${end}`) })[key]).toBe(DATABASE_URL)
      expect(readConfig({ [`${name}_FILE`]: '' })[key]).toBeNull()
    },
  )

  it('is refused by name beside the variable, when it is missing, empty, or has two lines; its path is not repeated', () => {
    const missing = () => readConfig({ DATABASE_URL_FILE: 'postgres://app:secret@db/app' })
    expect(missing).toThrow('DATABASE_URL_FILE must be the path of a file with one line that this process can read')
    for (const text of ['', '\n', 'postgres://a@b/c\npostgres://a@b/c\n', `postgres://a@b/${'c'.repeat(65_536)}`])
      expect(() => readConfig({ DATABASE_URL_FILE: file('wrong', text) })).toThrow('DATABASE_URL_FILE must be the path')
    expect(() => readConfig({ DATABASE_URL, DATABASE_URL_FILE: file('url', DATABASE_URL) })).toThrow(
      'DATABASE_URL_FILE must be unset where DATABASE_URL is set.',
    )
    const port = file('port', 'postgres://app:secret@db:99999/app')
    expect(() => readConfig({ DATABASE_URL_FILE: port })).toThrow(
      'DATABASE_URL: port must be a whole number from 1 to 65535.',
    )
  })
})

describe('A variable', () => {
  it('that is empty counts as unset', () => {
    expect(readConfig({ PORT: '', HOST: '', DATABASE_URL: '', MOORING_DATA_DIR: '', MOORING_DNS_SERVERS: '' })).toEqual(
      readConfig({}),
    )
  })

  it('for a path is relative to the working directory', () => {
    const config = readConfig({ MOORING_DATA_DIR: 'here', MOORING_KEYRING: '/etc/mooring/web.json' })
    expect([config.localDir, config.keyring]).toEqual([resolve('here'), '/etc/mooring/web.json'])
    expect(readConfig({ MOORING_DATA_DIR: '/srv' }).keyring).toBe(join('/srv', 'keyring'))
  })

  it('for DNS servers accepts addresses with or without a port, IPv6 in brackets', () => {
    const servers = ['9.9.9.9', '127.0.0.1:5353', '[2620:fe::fe]:53', '[::1]', '2620:FE::9', '10.0.0.1:65535']
    const { dnsServers } = readConfig({ MOORING_DNS_SERVERS: servers.join(', ') })
    expect(dnsServers).toEqual(servers)
    // The resolver accepts them, too: otherwise it would throw in every process that dials.
    expect(() => createResolver({ servers: dnsServers, timeoutMs: 1 })).not.toThrow()
  })

  it.each([
    ['PORT', 'http', 'a whole number from 0 to 65535'],
    ['PORT', '65536', 'a whole number from 0 to 65535'],
    ['PORT', '-1', 'a whole number from 0 to 65535'],
    ['PORT', '3000.5', 'a whole number from 0 to 65535'],
    ['DATABASE_URL', 'mysql://app:secret@db/app', 'a connection string that begins with postgres://'],
    ['MOORING_ALLOWED_NETWORKS', '10.0.0.0/33', 'a comma-separated list of CIDRs'],
    ['MOORING_ALLOWED_NETWORKS', '10.0.0.1/8', 'a comma-separated list of CIDRs'],
    ['DATABASE_URL', 'postgres://', 'a connection string that begins with postgres:// and names a host and a database'],
    ['DATABASE_URL', 'postgres:///app', 'a connection string that begins with postgres://'],
    ['DATABASE_URL', 'postgres://app:secret@/app', 'a connection string that begins with postgres://'],
    ['DATABASE_URL', 'postgres://app:secret@db', 'a connection string that begins with postgres://'],
    ['DATABASE_URL', 'postgres://app:secret@db/', 'a connection string that begins with postgres://'],
    ['MOORING_DNS_SERVERS', 'dns.acme.io', 'a comma-separated list of ip or ip:port'],
    ['MOORING_DNS_SERVERS', '9.9.9.9,999.1.1.1', 'a comma-separated list of ip or ip:port'],
    ['MOORING_DNS_SERVERS', '10.0.0.1:99999', 'a comma-separated list of ip or ip:port'],
    ['MOORING_DNS_SERVERS', '10.0.0.1:0', 'a comma-separated list of ip or ip:port'],
    ['MOORING_DNS_SERVERS', '::::', 'a comma-separated list of ip or ip:port'],
    ['MOORING_DNS_SERVERS', '[::1]:65536', 'a comma-separated list of ip or ip:port'],
    ['MOORING_DNS_SERVERS', '[10.0.0.1]:53', 'a comma-separated list of ip or ip:port'],
    ['MOORING_DRAIN_SECONDS', '301', 'a whole number from 0 to 300'],
    ['MOORING_POOL_SIZE', '0', 'a whole number from 1 to 100'],
    ['MOORING_DIAL_PROCESSES', '1', 'a whole number from 2 to 64'],
    ['MOORING_KEEP_VERIFICATIONS_DAYS', '29', 'a whole number from 30 to 3650'],
    ['MOORING_KEEP_AUDIT_DAYS', '0', 'a whole number from 30 to 3650'],
    ['MOORING_KEEP_CHANGES_DAYS', '91', 'a whole number from 1 to 90'],
    ['MOORING_KEEP_IDEMPOTENCY_DAYS', '0.5', 'a whole number from 1 to 30'],
    ['MOORING_KEEP_LEASES_DAYS', '-1', 'a whole number from 1 to 3650'],
    ['MOORING_KEEP_REMOVED_DAYS', '0', 'a whole number from 1 to 3650'],
    ['MOORING_KEEP_REVOKED_DAYS', '3651', 'a whole number from 1 to 3650'],
    ['MOORING_PUBLIC_URL', 'mooring', 'an http or https URL'],
    ['MOORING_LOG_LEVEL', 'loud', 'one of info'],
  ])('that is invalid is named with its valid values: %s=%s', (variable, value, must) => {
    expect(() => readConfig({ [variable]: value })).toThrow(ConfigError)
    expect(() => readConfig({ [variable]: value })).toThrow(`${variable} must be ${must}`)
    expect(() => readConfig({ [variable]: value })).not.toThrow('secret')
  })
})
