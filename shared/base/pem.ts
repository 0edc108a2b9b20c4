/**
 * CA certificates as people paste them: PEM (RFC 7468) with comments, blank lines or a byte order mark around the
 * blocks. An incomplete certificate is detected here, so that it is not reported as a fault of the server. No message
 * quotes the text.
 */

/** The maximum length in UTF-16 units: about twenty certificates. */
export const MAX_PEM = 32_768

const BLOCK =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([^-]{0,40000})-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** Blocks of other kinds, whatever is in them. */
const OTHER = /-----BEGIN (?!(?:TRUSTED |X509 )?CERTIFICATE-----)/

/** Only the certificates, one after the other; or the reason why there is none. */
export function readPem(
  text: string,
): { readonly ok: true; readonly pem: string } | { readonly ok: false; readonly message: string } {
  const no = (message: string) => ({ ok: false, message }) as const
  if (/PRIVATE KEY-----/.test(text)) return no('it contains a private key: give only the CA certificate')
  const bodies = [...text.matchAll(BLOCK)].map(([, body = '']) => body)
  const begun = text.match(/-----BEGIN /g)?.length ?? 0
  if (bodies.some(body => body.includes('\\')) || (bodies.length === 0 && /\\n/.test(text) && begun > 0)) {
    return no('its line breaks are written as \\n: give PEM text with real line breaks')
  }
  if (begun === 0) return no(otherThanPem(text))
  if (OTHER.test(text)) {
    return no(
      'it contains a block other than -----BEGIN CERTIFICATE-----, such as PKCS #7, a request, a key or a revocation list: give only the CA certificates',
    )
  }
  if (bodies.some(body => /[^A-Za-z0-9+/=\s.]/.test(body))) {
    return no(
      'a certificate in it contains characters that do not belong there, such as > or an invisible one: copy it again',
    )
  }
  if (bodies.length < begun || !bodies.every(isWhole)) {
    return no(
      'a certificate in it is truncated or damaged: give all of it, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----',
    )
  }
  const blocks = bodies.map(body => `-----BEGIN CERTIFICATE-----\n${linesOf(body)}\n-----END CERTIFICATE-----`)
  return { ok: true, pem: `${blocks.join('\n')}\n` }
}

const BEGINS = 'it begins with -----BEGIN CERTIFICATE-----'

/** Names a text without a PEM block: people paste wrappings of a certificate, and references to one. */
function otherThanPem(text: string): string {
  const plain = text.trim()
  if (plain === '') return `it is empty: leave it out, or give PEM text; ${BEGINS}`
  if (/^LS0tLS1CRUdJTi/.test(plain))
    return `it is PEM text that was encoded in Base64 again: decode it, so that ${BEGINS}`
  if (/^-{5}BEGIN(?:%20|\+)/.test(plain)) return `it is percent-encoded: decode it, so that ${BEGINS}`
  if (/^MI[A-Za-z0-9+/=\s]{100,40000}/.test(plain))
    return `its first line is missing: ${BEGINS} and ends with -----END CERTIFICATE-----`
  if (/^(?:https?:\/\/\S{1,2000}|[^\s"]{0,2000}\.(?:pem|crt|cer|cert|ca|p7b|der|jks|p12|pfx))$/i.test(plain))
    return `it is the path of a file, not PEM text: give the content of the file; ${BEGINS}`
  return `it is not PEM text: ${BEGINS}`
}

function linesOf(body: string): string {
  const lines = body.split(/\s+/)
  return lines.filter(line => line !== '').join('\n')
}

/** True for base64 of one DER sequence whose length matches its header (X.690, 8.1.3). */
function isWhole(body: string): boolean {
  const text = body.replace(/\s+/g, '')
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]{16,}={0,2}$/.test(text)) return false
  const bytes = atob(text)
  const first = bytes.charCodeAt(1)
  if (bytes.charCodeAt(0) !== 0x30 || first < 0x80) return false
  const count = first & 0x7f
  let length = 0
  for (let at = 0; at < count; at += 1) length = length * 256 + bytes.charCodeAt(2 + at)
  return count <= 3 && bytes.length === 2 + count + length
}
