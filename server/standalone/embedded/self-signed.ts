/**
 * Writes a self-signed certificate: X.509 (RFC 5280) in DER (X.690), for a P-256 key generated here. Node parses
 * certificates but cannot create them, and the libraries that can need twenty packages for something that is written
 * once in ten years.
 *
 * It is for a server on this machine: only its own clients should trust it. Called by `certificate.ts`.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** The names in the certificate, and its validity. Names are DNS names, addresses IPv4. */
export interface SelfSigned {
  readonly commonName: string
  readonly names: readonly string[]
  readonly addresses: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
}

const BOOLEAN = 0x01
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const OBJECT_IDENTIFIER = 0x06
const UTF8_STRING = 0x0c
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const SEQUENCE = 0x30
const SET = 0x31
const VERSION = 0xa0
const EXTENSIONS = 0xa3
const DNS_NAME = 0x82
const IP_ADDRESS = 0x87

/** Object identifiers as their DER content. */
const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  extKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
} as const

/** Returns certificate and private key as PEM. */
export function makeSelfSigned(selfSigned: SelfSigned): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = tlv(SEQUENCE, oid('ecdsaWithSha256'))
  const name = tlv(
    SEQUENCE,
    tlv(SET, tlv(SEQUENCE, oid('commonName'), tlv(UTF8_STRING, Buffer.from(selfSigned.commonName)))),
  )
  const content = tlv(
    SEQUENCE,
    tlv(VERSION, tlv(INTEGER, Buffer.of(2))), // version 3
    tlv(INTEGER, serialNumber()),
    algorithm,
    name,
    tlv(SEQUENCE, time(selfSigned.notBefore), time(selfSigned.notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(EXTENSIONS, tlv(SEQUENCE, ...extensions(selfSigned))),
  )
  const signature = tlv(BIT_STRING, Buffer.of(0), sign('sha256', content, privateKey))
  return {
    cert: pem('CERTIFICATE', tlv(SEQUENCE, content, algorithm, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function extensions({ names, addresses }: SelfSigned): Buffer[] {
  const alternatives = [
    ...names.map(name => tlv(DNS_NAME, Buffer.from(name, 'ascii'))),
    ...addresses.map(address => tlv(IP_ADDRESS, Buffer.from(address.split('.').map(Number)))),
  ]
  // Not a CA: a client that trusts it does not trust anything that it signs.
  return [
    tlv(SEQUENCE, oid('basicConstraints'), tlv(BOOLEAN, Buffer.of(0xff)), tlv(OCTET_STRING, tlv(SEQUENCE))),
    tlv(SEQUENCE, oid('extKeyUsage'), tlv(OCTET_STRING, tlv(SEQUENCE, oid('serverAuth')))),
    tlv(SEQUENCE, oid('subjectAltName'), tlv(OCTET_STRING, tlv(SEQUENCE, ...alternatives))),
  ]
}

/** 126 random bits, positive and without a leading zero (RFC 5280 §4.1.2.2). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes
}

/** UTCTime through 2049, and GeneralizedTime after it (RFC 5280 §4.1.2.5). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+Z$|\D/g, '')
  const isShort = date.getUTCFullYear() < 2050
  return tlv(isShort ? UTC_TIME : GENERALIZED_TIME, Buffer.from(`${isShort ? digits.slice(2) : digits}Z`))
}

function oid(name: keyof typeof OID): Buffer {
  return tlv(OBJECT_IDENTIFIER, Buffer.from(OID[name], 'hex'))
}

/** Tag, length and content (X.690 §8.1). */
function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length, ...bytes), content])
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
