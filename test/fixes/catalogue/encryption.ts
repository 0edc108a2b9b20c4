/**
 * TLS: servers without it, invalid certificates, authorities that
 * did not issue them, and channel binding of SCRAM.
 */
import type { Misconfiguration } from '#test/fixes/misconfiguration.ts'
import type { Place } from '#test/fixes/place.ts'
import { type CertificateRequest, type MadeCertificate, makeCertificate } from '#test/support/dials/odd-certificates.ts'

const failed = { reason: 'tls_failed', item: 'tls' } as const
const FULL = { parameters: { sslmode: 'verify-full' } } as const
const HERE = { names: ['localhost'], addresses: ['127.0.0.1'] }

/** The certificates that rows have created, by the login of their place. */
const made = new Map<string, MadeCertificate>()

async function kept(place: Place, request: CertificateRequest): Promise<MadeCertificate> {
  const certificate = await makeCertificate(request)
  made.set(place.login, certificate)
  return certificate
}

const caMade = ({ login }: Place) => made.get(login)?.cert ?? ''
const inForce = ({ authority }: Place) => ({ ca: authority.cert })
const trusting = ({ authority }: Place) => ({ ...FULL, caCertificate: authority.cert })

/** Makes the server present a certificate that its authority issued with the given deviations. */
const showing = (otherwise: Partial<CertificateRequest>) => async (place: Place) => {
  await place.show(await makeCertificate({ subject: 'CN=server', ...HERE, issuer: place.authority, ...otherwise }))
}

const AUTHORITIES: readonly Misconfiguration[] = [
  {
    title: 'The CA is private and was not given',
    attempt: () => FULL,
    says: {
      ...failed,
      cause: 'a certificate that no trusted CA has issued',
      fix: ['It was issued by "Root of the shop".'],
    },
    owner: inForce,
  },
  {
    title: 'The CA that was given is another one',
    attempt: place => ({ ...FULL, caCertificate: caMade(place) }),
    breaks: async place => void (await kept(place, { subject: 'CN=Root of somebody else', isAuthority: true })),
    says: {
      ...failed,
      cause: 'a certificate that no trusted CA has issued',
      fix: ['The given CA certificate did not issue it'],
    },
    owner: inForce,
  },
  {
    title: 'The CA that was given has expired, and another of its key is in force',
    attempt: place => ({ ...FULL, caCertificate: caMade(place) }),
    breaks: async place => {
      const { subject, keys } = place.authority
      await kept(place, { subject, keys, isAuthority: true, fromDays: -9, toDays: -2 })
    },
    says: {
      ...failed,
      cause: 'outside its validity period',
      fix: ['The given CA certificate "Root of the shop" is outside its validity period'],
    },
    owner: inForce,
  },
  {
    title: 'The server sends no intermediate certificate',
    attempt: trusting,
    breaks: async place => {
      const request = { subject: 'CN=Intermediate of the shop', isAuthority: true, issuer: place.authority }
      await showing({ issuer: await kept(place, request) })(place)
    },
    says: {
      ...failed,
      cause: 'a certificate that no trusted CA has issued',
      fix: ['It was issued by "Intermediate of the shop".'],
    },
    owner: place => ({ ca: `${caMade(place)}${place.authority.cert}` }),
  },
]

const CERTIFICATES: readonly Misconfiguration[] = [
  {
    title: 'The certificate of the server has expired',
    attempt: trusting,
    breaks: showing({ fromDays: -9, toDays: -2 }),
    says: { ...failed, cause: 'a certificate outside its validity period', fix: ['It holds from'] },
    owner: place => ({ renew: () => place.show(place.certificate) }),
  },
  {
    title: 'The certificate is for another name of the server',
    attempt: trusting,
    breaks: showing({ names: ['localhost', 'db.shop.example'], addresses: [] }),
    says: {
      ...failed,
      cause: 'a certificate for another name',
      fix: ['The certificate is for localhost, db.shop.example.'],
    },
    owner: () => ({ hosts: ['localhost'] }),
  },
  {
    title: 'The certificate is for a name that does not lead here',
    attempt: trusting,
    breaks: showing({ names: ['*.shop.example'], addresses: [] }),
    says: { ...failed, cause: 'a certificate for another name', fix: ['*.shop.example', 'sslmode=verify-ca'] },
  },
  {
    title: 'The certificate is signed by Ed25519, which SCRAM cannot be bound to',
    breaks: async place => place.show(await kept(place, { subject: 'CN=Edwards', ...HERE, isEd25519: true })),
    says: { reason: 'authentication_unsafe', item: 'authenticate', cause: 'such as Ed25519' },
    owner: place => ({ ca: caMade(place) }),
  },
]

const SERVERS: readonly Misconfiguration[] = [
  {
    title: 'The server does not offer TLS',
    server: 'without TLS',
    says: { ...failed, cause: 'the server does not offer TLS' },
  },
  {
    title: 'The server offers TLS 1.1 at most',
    breaks: async place => {
      await place.sql("alter system set ssl_min_protocol_version = 'TLSv1'", 'postgres')
      await place.sql("alter system set ssl_max_protocol_version = 'TLSv1.1'", 'postgres')
      await place.reload()
    },
    says: { ...failed, cause: 'the TLS handshake failed' },
  },
]

/** The misconfigurations of this group. */
export const ENCRYPTION: readonly Misconfiguration[] = [...AUTHORITIES, ...CERTIFICATES, ...SERVERS]
