/**
 * R7: the fix for a refused certificate gives its names, issuer and dates, whichever certificate of the chain it is. It
 * never shows text that is not printable ASCII, that cannot be a host name, or that repeats the password.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { verifyProbe } from '#server/domain/checks/verification.ts'
import { probeDatabase } from '#server/net/postgres/probe.ts'
import type { TlsPair } from '#server/standalone/embedded/certificate.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import { localTarget } from '#test/support/dials/dialling.ts'
import { makeCertificate } from '#test/support/dials/odd-certificates.ts'
import { SURROUNDINGS } from '#test/support/dials/tls-servers.ts'

const root = await makeCertificate({ subject: 'CN=Root of the test, O=Acme', isAuthority: true })
const HERE = { subject: 'CN=server', addresses: ['127.0.0.1'], issuer: root }

interface Asked {
  readonly pair: TlsPair
  readonly ca?: string | null
  readonly target?: Partial<Target>
}

/** Returns the failed line of a dial to a server that presents this certificate and then hangs up. */
async function lineOf({ pair, ca = root.cert, target = {} }: Asked) {
  const heard: Buffer[] = []
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('S')
      const encrypted = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(pair) })
      encrypted.on('error', () => undefined)
      encrypted.on('data', bytes => heard.push(bytes))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // Sound: the server listens on a port.
  const { port } = server.address() as AddressInfo
  const wanted = localTarget(port, { tlsMode: 'verify-full', ...target })
  const request = { target: wanted, caCertificate: ca, schema: null, deadlineMs: 20_000 }
  const probe = await probeDatabase(request, SURROUNDINGS)
  server.close()
  const asked = {
    schema: null,
    rolePolicy: 'enforce',
    dbType: 'postgresql',
    target: wanted,
    isCaNamed: ca !== null,
  } as const
  const line = verifyProbe(probe, asked).checks.find(({ outcome }) => outcome === 'fail')
  return {
    fix: line?.fix ?? '',
    item: line?.item,
    certificate: probe.failure?.certificate,
    heard: Buffer.concat(heard),
  }
}

describe('A certificate', () => {
  it('for other names is reported with them, ten at most, and nothing is sent to the server', async () => {
    const names = Array.from({ length: 14 }, (_, at) => `db-${at}.shop.example`)
    const { fix, item, heard } = await lineOf({ pair: await makeCertificate({ ...HERE, addresses: [], names }) })
    expect(item).toBe('tls')
    expect(fix).toBe(
      `The certificate is for ${names.slice(0, 10).join(', ')}. Use one of these names, or sslmode=verify-ca.`,
    )
    expect(heard.length).toBe(0)
  })

  it('is shown only with names that a host can have', async () => {
    const names = ['*.shop.example', 'call 0800 now', 'a\nb.example', `${'x'.repeat(300)}.example`, 'bücher.example']
    const { fix } = await lineOf({ pair: await makeCertificate({ ...HERE, addresses: ['192.0.2.9'], names }) })
    expect(fix).toBe('The certificate is for *.shop.example, 192.0.2.9. Use one of these names, or sslmode=verify-ca.')
  })

  it('of an unknown CA is reported with its issuer, in printable ASCII', async () => {
    const stranger = await makeCertificate({ subject: 'CN=Rööt of nobody\u202e', isAuthority: true })
    const pair = await makeCertificate({ ...HERE, issuer: stranger })
    const { fix } = await lineOf({ pair })
    expect(fix).toMatch(/^The given CA certificate did not issue it, or the server sends no intermediate certificate\./)
    expect(fix).toContain('It was issued by "R??t of nobody?".')
    expect(fix).toMatch(/^[\x20-\x7e\n]*$/)
  })

  it('of an unknown CA is not trusted for a mode that requires only the chain', async () => {
    const pair = await makeCertificate({ subject: 'CN=self', addresses: ['127.0.0.1'] })
    const { fix, heard } = await lineOf({ pair, ca: null, target: { tlsMode: 'verify-ca' } })
    expect(fix).toContain('Give the CA certificate as PEM, or use sslmode=require.')
    expect(heard.length).toBe(0)
  })

  it('that has expired is reported with its dates', async () => {
    const { fix } = await lineOf({ pair: await makeCertificate({ ...HERE, fromDays: -30, toDays: -2 }) })
    expect(fix).toMatch(/^Renew the server's certificate\. It holds from \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d\./)
  })

  it('that the caller gave and that has expired is named as that one', async () => {
    const { subject, keys } = root
    const former = await makeCertificate({ subject, keys, isAuthority: true, fromDays: -30, toDays: -2 })
    const { fix } = await lineOf({ pair: await makeCertificate(HERE), ca: former.cert })
    expect(fix).toContain('The given CA certificate "Root of the test, Acme" is outside its validity period')
  })

  it('of an intermediate that has expired is named as that one', async () => {
    const between = await makeCertificate({
      subject: 'CN=Between',
      isAuthority: true,
      issuer: root,
      fromDays: -30,
      toDays: -2,
    })
    const own = await makeCertificate({ ...HERE, issuer: between })
    const { fix } = await lineOf({ pair: { cert: `${own.cert}${between.cert}`, key: own.key } })
    expect(fix).toContain('The intermediate certificate "Between" that the server sends is outside its validity period')
  })

  it('that repeats eight characters of the password is not shown at all', async () => {
    const password = 'correct-horse-battery'
    const stranger = await makeCertificate({ subject: 'CN=Root of HORSE-BATT', isAuthority: true })
    const { fix, certificate } = await lineOf({
      pair: await makeCertificate({ ...HERE, issuer: stranger }),
      target: { password },
    })
    expect(certificate).toBeUndefined()
    expect(fix.toLowerCase()).not.toContain('horse')
  })
})
