/**
 * R8: a CA certificate is accepted in the forms that people paste, or refused by the name of its field; a server is
 * never blamed for it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPem } from '#shared/base/pem.ts'
import { type Authority, createAuthority } from '#test/support/dials/certificates.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let authority: Authority
let other: Authority

beforeAll(async () => {
  ;[mooring, authority, other] = await Promise.all([
    startMooring({ worker: false }),
    createAuthority('One'),
    createAuthority('Another'),
  ])
})
afterAll(() => mooring?.stop())

const pem = () => authority.cert.trim()

/** The pasted text, and the certificates that result. */
const TAKEN: readonly [string, () => string, number][] = [
  ['as it is', pem, 1],
  ['with a comment before it', () => `# Root of the region\nsubject=CN = One\n${pem()}`, 1],
  ['with blank lines around it', () => `\n\n  \n${pem()}\n\n`, 1],
  ['with a byte order mark', () => `\ufeff${pem()}`, 1],
  ['with line ends of Windows', () => pem().replaceAll('\n', '\r\n'), 1],
  ['with comments between two', () => `${pem()}\n# the next\n${other.cert}`, 2],
  ['indented, as in YAML', () => pem().replaceAll('\n', '\n    '), 1],
]
const REFUSED: readonly [string, () => string, string][] = [
  ['with escaped line ends', () => pem().replaceAll('\n', '\\n'), 'real line breaks'],
  ['cut off at its end', () => pem().slice(0, -60), 'truncated'],
  ['cut off in its middle, with its end', () => pem().replace(/\n.{64}\n/, '\n'), 'truncated'],
  ['of which the second is cut off', () => `${pem()}\n${other.cert.trim().slice(0, -40)}`, 'truncated'],
  ['which is a path', () => '/etc/ssl/certs/ca.pem', 'not PEM text'],
  ['which is an address', () => 'https://truststore.pki.rds.amazonaws.com/eu-west-1/bundle.pem', 'the path of a file'],
  ['in Base64 once more, as in a secret of Kubernetes', () => btoa(pem()), 'encoded in Base64 again'],
  ['percent-encoded', () => encodeURIComponent(pem()), 'percent-encoded'],
  ['without its first line', () => pem().replace(/^.*\n/, ''), 'first line is missing'],
  ['in PKCS #7', () => pem().replaceAll('CERTIFICATE-----', 'PKCS7-----'), 'a block other than'],
  [
    'beside a revocation list',
    () => `${pem()}\n${pem().replaceAll('CERTIFICATE-----', 'X509 CRL-----')}`,
    'a block other than',
  ],
  ['quoted in a mail', () => pem().replaceAll('\n', '\n> '), 'do not belong there'],
  ['with an invisible character', () => pem().replaceAll('\n', '\u200b\n'), 'do not belong there'],
  ['of nothing', () => ' \n', 'it is empty'],
  ['which is a private key', () => authority.key, 'private key'],
  ['of hundreds of roots', () => `${pem()}\n`.repeat(80), "from a provider's bundle"],
]

describe('A CA certificate', () => {
  it.each(TAKEN)('%s is accepted, and only its certificates are stored', (_, text, count) => {
    const read = readPem(text())
    expect(read.ok && read.pem.match(/-----BEGIN CERTIFICATE-----\n/g)).toHaveLength(count)
    expect(read.ok && readPem(read.pem)).toEqual(read)
  })

  it.each(TAKEN)('%s is accepted on every surface', async (_, text) => {
    for (const send of [overTrpc, overDatasources, overConnections])
      expect((await send(text())).status).toBeLessThan(300)
  })

  it.each(REFUSED)('%s is refused by the name of its field', async (_, text, words) => {
    const raw = await overTrpc(text())
    expect(raw.body.error.data).toMatchObject({ fault: 'invalid_body', issues: [{ path: ['caCertificate'] }] })
    expect(raw.body.error.data.issues[0].message).toContain(words)
    const flat = await overDatasources(text())
    expect(flat).toMatchObject({ status: 400, body: { param: 'caCertificate' } })
    expect(flat.body.message).toContain(words)
    const pydantic = await overConnections(text())
    expect(pydantic).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'ca_certificate'] }] } })
  })
})

const connectionString = 'postgresql://app:secret-7@127.0.0.1:5433/app'
const overTrpc = (caCertificate: string) =>
  mooring.call('POST', '/trpc/datasources.register', { body: { connectionString, caCertificate } })
const overDatasources = (caCertificate: string) =>
  mooring.call('POST', '/v1/datasources', { body: { connectionString, caCertificate } })
const overConnections = (ca: string) =>
  mooring.call('POST', '/api/v1/connections', {
    body: { name: 'x', db_type: 'postgresql', connection_string: connectionString, ca_certificate: ca },
  })
