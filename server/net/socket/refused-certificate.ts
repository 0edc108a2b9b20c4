/**
 * The certificate at which a handshake failed, as typed fields that a fix may name: names, issuer and dates in
 * printable ASCII.
 *
 * A stranger wrote all of it. Only these bounded fields leave this file, and a name only if it could be a host name: a
 * person reads them to find out what to do. Called by `tls.ts`.
 */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { DetailedPeerCertificate } from 'node:tls'
import type { PresentedCertificate } from '#shared/faults/failure.ts'

const MAX_NAMES = 10
const MAX_TEXT = 255
/** Longer chains are an attack; OpenSSL itself stops at 100. */
const MAX_CHAIN = 10
const HOST_NAME = /^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?$/

/** A certificate of the chain, starting with the server's own. */
interface Link {
  readonly owner: PresentedCertificate['owner']
  readonly certificate: X509Certificate
}

/**
 * The first certificate of the chain that is outside its validity, else the server's own; null if none was sent.
 * `given` is PEM.
 */
export function refusedCertificate(
  presented: DetailedPeerCertificate,
  given: readonly string[],
  now = Date.now(),
): PresentedCertificate | null {
  const chain = chainOf(
    presented,
    given.map(pem => new X509Certificate(pem)),
  )
  const isLate = ({ certificate: { validFrom, validTo } }: Link) =>
    !(Date.parse(validFrom) <= now && now <= Date.parse(validTo))
  const refused = chain.find(isLate) ?? chain[0]
  if (refused === undefined) return null
  const { owner, certificate } = refused
  return {
    owner,
    names: (owner === 'server' ? namesOf(presented) : []).slice(0, MAX_NAMES),
    subject: distinguishedName(certificate.toLegacyObject().subject),
    issuer: distinguishedName(certificate.toLegacyObject().issuer),
    validFrom: dateOf(certificate.validFrom),
    validTo: dateOf(certificate.validTo),
  }
}

/**
 * The certificates that the server sent, then the given issuer of the last one: Node leaves out an expired authority.
 */
function chainOf(presented: DetailedPeerCertificate, given: readonly X509Certificate[]): Link[] {
  const chain: Link[] = []
  const ownerOf = (certificate: X509Certificate) => {
    const isGiven = given.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256)
    return chain.length === 0 ? 'server' : isGiven ? 'given' : 'sent'
  }
  const add = (certificate: X509Certificate) => void chain.push({ owner: ownerOf(certificate), certificate })
  // Without a certificate it is an empty object, whatever its type says; a root is its own issuer.
  let next: DetailedPeerCertificate | undefined = presented
  const seen = new Set<DetailedPeerCertificate>()
  while (next?.raw !== undefined && chain.length < MAX_CHAIN && !seen.has(next)) {
    seen.add(next)
    add(new X509Certificate(next.raw))
    next = next.issuerCertificate
  }
  const last = chain.at(-1)?.certificate
  const issuer = last === undefined ? undefined : given.find(one => last.checkIssued(one))
  if (issuer !== undefined && issuer.fingerprint256 !== last?.fingerprint256) add(issuer)
  return chain
}

/** The alternative names or, if there are none, the common name, which is all that old servers have. */
function namesOf({ subjectaltname, subject }: DetailedPeerCertificate): string[] {
  const alternative = (subjectaltname ?? '').split(', ').flatMap(entry => {
    const [, kind, name = ''] = /^(DNS|IP Address):(.+)$/.exec(entry) ?? []
    const isName = kind === 'DNS' ? HOST_NAME.test(name) : kind !== undefined && isIP(name) !== 0
    return isName && name.length <= MAX_TEXT ? [name] : []
  })
  if (subjectaltname !== undefined) return alternative
  return one(subject?.CN).filter(name => HOST_NAME.test(name) && name.length <= MAX_TEXT)
}

/** Common name and organization, in the form of `openssl x509`; the caller escapes quotes. */
function distinguishedName(name: DetailedPeerCertificate['subject'] | undefined): string {
  const parts = [...one(name?.CN), ...one(name?.O)]
  return parts
    .join(', ')
    .replaceAll('"', "'")
    .replace(/[^\x20-\x7e]/gu, '?')
    .slice(0, MAX_TEXT)
}

function one(value: string | string[] | undefined): string[] {
  return [value]
    .flat()
    .flatMap(text => (typeof text === 'string' && text !== '' ? [text] : []))
    .slice(0, 1)
}

function dateOf(text: string): string {
  const at = Date.parse(text)
  return Number.isNaN(at) ? '' : new Date(at).toISOString()
}
