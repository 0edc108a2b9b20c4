/**
 * CA certificates as people paste them: PEM (RFC 7468) with comments, blank lines or a byte order mark around the
 * blocks. An incomplete certificate is detected here, so that nobody blames a server for it. No sentence quotes the
 * text.
 */

/** The maximum: about twenty certificates. */
export const MAX_PEM = 32_768

const BLOCK =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([^-]{0,40000})-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** Only the certificates, one after the other; or the reason why there is none. */
export function readPem(
  text: string,
): { readonly ok: true; readonly pem: string } | { readonly ok: false; readonly message: string } {
  const no = (message: string) => ({ ok: false, message }) as const
  if (/PRIVATE KEY-----/.test(text)) return no('it holds a private key: give the CA certificate alone')
  const bodies = [...text.matchAll(BLOCK)].map(([, body = '']) => body)
  const begun = text.match(/-----BEGIN /g)?.length ?? 0
  if (bodies.some(body => body.includes('\\')) || (bodies.length === 0 && /\\n/.test(text))) {
    return no('its line ends are written as \\n: give PEM text with real line ends')
  }
  if (begun === 0) return no('it is no PEM text: it begins with -----BEGIN CERTIFICATE-----')
  if (bodies.length < begun || !bodies.every(isWhole)) {
    return no(
      'a certificate in it is truncated or damaged: give it whole, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----',
    )
  }
  const blocks = bodies.map(body => `-----BEGIN CERTIFICATE-----\n${linesOf(body)}\n-----END CERTIFICATE-----`)
  return { ok: true, pem: `${blocks.join('\n')}\n` }
}

function linesOf(body: string): string {
  const lines = body.split(/\s+/)
  return lines.filter(line => line !== '').join('\n')
}

/** Base64 of one DER sequence whose length is as declared (X.690, 8.1.3). */
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
