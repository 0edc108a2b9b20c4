/**
 * Formats a target as the connection string that `parseConnectionString` reads back as the same target. Leases use it,
 * because their holders have drivers of their own. The text holds the password: seal it, and never log or store it.
 */
import type { Target } from './connection-string.ts'

const DEFAULT_PORT = 5432

// Characters that must be escaped. All others stay, so that rewriting does not lengthen a string.
const IN_LOGIN = /[^A-Za-z0-9_\-.~!$&'()*+,;=]/gu
// `pg` reads a database name with `decodeURI`, which does not decode escapes of characters that URIs reserve. These
// characters therefore stay unescaped, and libpq reads them the same way. A question mark or a hash could not stay.
const IN_NAME = /[^A-Za-z0-9_\-.~!$&'()*+,;=:@/]/gu
const SLASH_OR_AT = /[/@]/gu
const IN_QUERY = /[^A-Za-z0-9_\-.~!$'()*,;]/gu

function encoded(text: string, escaped = IN_LOGIN): string {
  return text.replace(escaped, character =>
    [...new TextEncoder().encode(character)]
      .map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )
}

/** Formats a target as a connection string; default values are omitted. */
export function formatConnectionString(target: Target): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  const port = target.port === DEFAULT_PORT ? '' : `:${target.port}`
  const query = [
    ['sslmode', target.tlsMode === 'require' ? null : target.tlsMode],
    ['channel_binding', target.channelBinding === 'prefer' ? null : target.channelBinding],
    ['sslnegotiation', target.sslNegotiation === 'postgres' ? null : target.sslNegotiation],
    ['application_name', target.applicationName],
    ['connect_timeout', target.connectTimeoutSeconds === null ? null : String(target.connectTimeoutSeconds)],
    ['options', target.neonEndpoint === null ? null : `endpoint=${target.neonEndpoint}`],
  ].flatMap(([name, value]) => (typeof value === 'string' ? [`${name}=${encoded(value, IN_QUERY)}`] : []))
  const login = `${encoded(target.user)}:${encoded(target.password)}`
  const parameters = query.length === 0 ? '' : `?${query.join('&')}`
  return `postgresql://${login}@${host}${port}/${encoded(target.database, IN_NAME)}${parameters}`
}

/**
 * Encodes the database name of a string from `spellConnectionString`, whose reserved characters are unescaped, so that
 * `parseConnectionString` accepts it.
 */
export function withEncodedName(text: string): string {
  const [, before, name, query] = /^(postgres(?:ql)?:\/\/[^/?]*\/)([^?]*)(.*)$/s.exec(text) ?? []
  return before === undefined || name === undefined ? text : `${before}${encoded(name, SLASH_OR_AT)}${query}`
}
