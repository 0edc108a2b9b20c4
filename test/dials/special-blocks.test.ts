/**
 * The policy's verdict on addresses, compared with Node's own `BlockList` filled from `vectors/special-blocks.tsv`, in
 * every notation of an address.
 */
import net from 'node:net'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { judgeAddresses, judgeTarget } from '#server/domain/network/host-policy.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { canonicalLiteral } from '#shared/connection-string/ip-literal.ts'
import { fc } from '#test/support/house/properties.ts'
import { readVectors } from '#test/support/house/vector-file.ts'

const policy = { openNetworks: [] }
const blocks = readVectors('special-blocks.tsv').map(line => line['block'] ?? '')
const networks = blocks.filter(block => !block.includes('minus')).map(block => ipaddr.parseCIDR(block))

/** One list per family: a list that holds `::ffff:0:0/96` matches every IPv4 address. */
const lists = { ipv4: new net.BlockList(), ipv6: new net.BlockList() }
for (const [base, bits] of networks) lists[base.kind()].addSubnet(base.toString(), bits, base.kind())
const globalUnicast = new net.BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

type Address = ipaddr.IPv4 | ipaddr.IPv6

function passesByList(address: Address): boolean {
  const text = address.toString()
  if (lists[address.kind()].check(text, address.kind())) return false
  return address.kind() === 'ipv4' || globalUnicast.check(text, 'ipv6')
}

function passes(text: string): boolean {
  return judgeAddresses([text], { host: 'db.acme.io', port: 5432, purpose: 'postgres' }, policy).verdict === 'pass'
}

const bytes = (count: number) => fc.uint8Array({ minLength: count, maxLength: count }).map(array => [...array])
const anyIpv4 = bytes(4).map(array => new ipaddr.IPv4(array))
const anyIpv6 = bytes(16).map(array => new ipaddr.IPv6(array))
/** An address in a block, or just outside it: with one bit of the block's prefix flipped. */
const nearBlock = fc
  .tuple(fc.constantFrom(...networks), bytes(16), fc.nat({ max: 127 }), fc.boolean())
  .map(([[base, bits], noise, turned, inside]) => {
    const octets = base.toByteArray().map((octet, at) => {
      const kept = Math.min(8, Math.max(0, bits - at * 8))
      return octet | ((noise[at] ?? 0) & (0xff >> kept))
    })
    const at = turned % Math.max(1, bits)
    if (!inside) octets[at >> 3] = (octets[at >> 3] ?? 0) ^ (0x80 >> (at & 7))
    return ipaddr.fromByteArray(octets)
  })

describe('the verdict on an address', () => {
  it('agrees with block lists of every special-purpose block, for any address', () => {
    fc.assert(
      fc.property(fc.oneof(anyIpv4, anyIpv6, nearBlock), address => {
        expect(passes(address.toString())).toBe(passesByList(address))
      }),
    )
  })

  it.for(networks.map(([base, bits]) => ({ base, bits, name: `${base}/${bits}` })))(
    'refuses the first and the last address of $name',
    ({ base, bits }) => {
      const last = base.toByteArray().map((octet, at) => octet | (0xff >> Math.min(8, Math.max(0, bits - at * 8))))
      expect(passes(base.toString())).toBe(false)
      expect(passes(ipaddr.fromByteArray(last).toString())).toBe(false)
    },
  )
})

/** The verdict on a host as typed: its canonical form, or null when it is refused. */
function acceptedAs(host: string): string | null {
  const parsed = parseConnectionString(`postgres://u:p@${host}/app`)
  return parsed.ok && judgeTarget(parsed.target, policy) === null ? parsed.target.host : null
}

const fullWidth = (text: string) => text.replace(/[0-9]/g, digit => String.fromCodePoint(0xff10 + Number(digit)))

/** Every other notation of an IPv4 address that some resolver or parser accepts. */
function disguises(address: ipaddr.IPv4): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.octets
  const number = ((a * 256 + b) * 256 + c) * 256 + d
  const dotted = address.toString()
  const hex = (value: number) => `0x${value.toString(16)}`
  const octal = (value: number) => `0${value.toString(8)}`
  const low = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  const high = [a, b, c, d].map(octet => octet.toString(16).padStart(2, '0')).join('')
  return [
    `${number}`,
    `${number + 2 ** 32}`,
    hex(number),
    hex(number).toUpperCase(),
    octal(number),
    `${a}.${number % 2 ** 24}`,
    `${a}.${b}.${c * 256 + d}`,
    [a, b, c, d].map(hex).join('.'),
    [a, b, c, d].map(octal).join('.'),
    [a, b, c, d].map(octet => `${octet}`.padStart(3, '0').padStart(4, '0')).join('.'),
    `${hex(a)}.${b}.${c}.${octal(d)}`,
    `${dotted}.`,
    `${dotted}%25eth0`,
    `${dotted}.0`,
    fullWidth(dotted),
    fullWidth(`${number}`),
    dotted.replaceAll('.', '。'),
    dotted.replaceAll('.', '．'),
    dotted.replaceAll('.', '｡'),
    `${dotted}\u200b`,
    `\u00ad${dotted}`,
    encodeURIComponent(dotted).replace(/[0-9.]/g, one => `%${one.charCodeAt(0).toString(16)}`),
    `[${dotted}]`,
    `[::ffff:${dotted}]`,
    `[::ffff:${low}]`,
    `[0:0:0:0:0:ffff:${low}]`,
    `[::FFFF:${low.toUpperCase()}]`,
    `[::${dotted}]`,
    `[::ffff:0:${dotted}]`,
    `[64:ff9b::${dotted}]`,
    `[64:ff9b:1::${dotted}]`,
    `[2002:${high.slice(0, 4)}:${high.slice(4)}::]`,
    `[2001::${low}]`,
    `[::ffff:${dotted}%eth0]`,
  ]
}

describe('the notation of an address', () => {
  it('is canonical, or the host is refused: no disguise of an IPv4 address passes, public or not', () => {
    const nearIpv4 = nearBlock.filter(address => address instanceof ipaddr.IPv4)
    fc.assert(
      fc.property(fc.oneof(anyIpv4, nearIpv4), address => {
        for (const disguise of disguises(address)) expect(acceptedAs(disguise), disguise).toBeNull()
        expect(acceptedAs(address.toString())).toBe(passesByList(address) ? address.toString() : null)
      }),
    )
  })

  it('is normalised for IPv6: every form of RFC 4291 gets the verdict of the canonical one', () => {
    const nearIpv6 = nearBlock.filter(address => address instanceof ipaddr.IPv6)
    const publicIpv6 = bytes(16).map(array => new ipaddr.IPv6([0x26, ...array.slice(1)]))
    fc.assert(
      fc.property(fc.oneof(anyIpv6, nearIpv6, publicIpv6), address => {
        const canonical = address.toString()
        const full = Buffer.from(address.toByteArray()).toString('hex').match(/.{4}/g)?.join(':') ?? ''
        const plain = address.toNormalizedString()
        const tail = address.toByteArray().slice(12).join('.')
        const mixed = `${plain.split(':').slice(0, 6).join(':')}:${tail}`
        for (const form of [canonical, full, plain, mixed, full.toUpperCase(), canonical.toUpperCase()]) {
          expect(canonicalLiteral(form), form).toBe(canonical)
          expect(acceptedAs(`[${form}]`), form).toBe(passesByList(address) ? canonical : null)
          expect(acceptedAs(`[${form}%25lo]`)).toBeNull()
          expect(acceptedAs(form)).toBeNull()
        }
      }),
    )
  })

  it('is read as ipaddr.js and Node read it, or not at all', () => {
    const piece = fc.constantFrom('0', '1', 'ff', 'ffff', '12345', '::', ':', '.', '127', '256', '01', 'g', '%', '/')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const text = pieces.join('')
        const canonical = canonicalLiteral(text)
        if (canonical === null) return
        expect(net.isIP(text)).not.toBe(0)
        expect(canonical).toBe(ipaddr.parse(text).toString())
      }),
    )
  })
})
