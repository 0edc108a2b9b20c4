/** Notations of addresses and hosts: RFC 4291 in, RFC 5952 out, and every other one refused with its reason. */
import { describe, expect, it } from 'vitest'
import { parseHost, parseHostPort } from '#shared/connection-string/host.ts'
import { canonicalIpv6, canonicalLiteral, literalOctets } from '#shared/connection-string/ip-literal.ts'

describe('An IPv6 address', () => {
  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['2001:0DB8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['0:0:0:1:2:3:4:5', '::1:2:3:4:5'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['1:0:0:4:5:0:0:8', '1::4:5:0:0:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:255.254.253.252', '1:2:3:4:5:6:fffe:fdfc'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalIpv6(text)).toBe(canonical)
    expect(canonicalLiteral(text)).toBe(canonical)
    expect(literalOctets(text)).toEqual(literalOctets(canonical))
    expect(parseHost(text)).toEqual({ ok: true, kind: 'address', host: canonical })
  })

  it.each([
    ...['', ':', ':::', '1', '1:2', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '::1::', '1:2:3:4::5:6:7:8'],
    ...[
      '12345::',
      '1:2:3:4:5:6:7:12345',
      'g::',
      '1:::2',
      '::1%eth0',
      '1.2.3.4::',
      '1.2.3.4:1:2:3:4:5:6:7',
      ':1:2:3:4:5:6:7',
    ],
    ...['::1.2.3.4:5', '::1.2.3', '::256.1.1.1', '1:2:3:4:5:6:7:1.2.3.4', '1:2:3:4:5:6:7:8:', '::01.2.3.4'],
  ])('is not %j', text => {
    expect(canonicalIpv6(text)).toBeNull()
    expect(literalOctets(text)).toBeNull()
  })

  it('has sixteen octets, and an IPv4 address four', () => {
    expect(literalOctets('1:203::ff')).toEqual([0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255])
    expect(literalOctets('1.20.255.0')).toEqual([1, 20, 255, 0])
    expect(canonicalLiteral('1.20.255.0')).toBe('1.20.255.0')
    for (const text of ['01.2.3.4', '1.2.3', '1.2.3.4.', '0x1.2.3.4', '256.1.1.1', '1.2.3.4.5'])
      expect([canonicalLiteral(text), literalOctets(text)], text).toEqual([null, null])
  })
})

const label = 'a'.repeat(63)
const name253 = `${label}.${label}.${label}.${'b'.repeat(61)}`

describe('A host', () => {
  it.each([
    ['DB.Acme.io', 'db.acme.io'],
    ['_srv.a-b_c.io', '_srv.a-b_c.io'],
    ['x1', 'x1'],
    ['1a.io', '1a.io'],
    ['0x1g.io', '0x1g.io'],
    [name253, name253],
  ])('%s is a name', (text, host) => expect(parseHost(text)).toEqual({ ok: true, kind: 'name', host }))

  const number = ['host_refused', 'An IPv4 address is written as four decimal numbers without leading zeros.']
  const name = ['host_malformed', 'The host is not a valid name.']
  it.each([
    ['', 'host_missing', 'The host is missing.'],
    ['1.2.3', ...number],
    ['01.2.3.4', ...number],
    ['a.0', ...number],
    ['a.12', ...number],
    ['a.0x', ...number],
    ['a.0xFf', ...number],
    ['a.12.', ...number],
    ['１２７.0.0.１', ...number],
    ['a.%31', ...number],
    ['a.%31%32', ...number],
    ['a。1', ...number],
    ['a.io.', 'host_refused', 'The host ends in a dot; leave it out.'],
    ['a\u2013b.io', 'host_malformed', 'The host contains a dash that is not a hyphen: write - instead.'],
    ['bücher.de', 'host_malformed', 'The host contains a non-ASCII character: write the name in punycode (xn--…).'],
    ['%2Ftmp', 'host_refused', 'A host must not contain escapes; sockets are not supported.'],
    ['a..io', ...name],
    ['-a.io', ...name],
    ['a-.io', ...name],
    ['a/b', ...name],
    [`a.${name253}`, ...name],
    [`${label}a.io`, ...name],
    ['1:2', 'host_malformed', 'The IPv6 address is malformed, or has a zone.'],
  ])('%j is refused', (text, code, message) => {
    expect(parseHost(text)).toEqual({ ok: false, code, message })
  })

  it.each([
    ['a.io', { kind: 'name', host: 'a.io', port: 5432 }],
    ['a.io:1', { kind: 'name', host: 'a.io', port: 1 }],
    ['a.io:65535', { kind: 'name', host: 'a.io', port: 65_535 }],
    ['[::1]:80', { kind: 'address', host: '::1', port: 80 }],
    ['[2600::1]', { kind: 'address', host: '2600::1', port: 5432 }],
  ])('%s is a host and a port', (text, place) => expect(parseHostPort(text, 5432)).toEqual({ ok: true, ...place }))

  const port = ['port_malformed', 'The port is not a number from 1 to 65535.']
  const malformed = ['host_malformed', 'The host is malformed; put an IPv6 address in brackets.']
  it.each([
    ['a.io:', ...port],
    ['a.io:0', ...port],
    ['a.io:65536', ...port],
    ['a.io:080', ...port],
    ['a.io:1x', ...port],
    ['a.io:100000', ...port],
    ['a.io,b.io', 'host_several', 'It names several hosts; give one.'],
    ['2600::1', ...malformed],
    ['[::1', ...malformed],
    ['[[::1]]', ...malformed],
    ['[a.io]', 'host_malformed', 'Brackets are only for IPv6 addresses.'],
    ['[1.2.3.4]', 'host_malformed', 'Brackets are only for IPv6 addresses.'],
    ['[1:2]:80', 'host_malformed', 'The IPv6 address is malformed, or has a zone.'],
    [':80', 'host_missing', 'The host is missing.'],
  ])('%j is no host and port', (text, code, message) => {
    expect(parseHostPort(text, 5432)).toEqual({ ok: false, code, message })
  })
})
