/**
 * Fixes for certificates: which one was refused, and what to supply or renew. A certificate's text comes from a
 * stranger: it is bounded, printable ASCII, and displayed in quotes. Called by `dial-fixes.ts`.
 */
import type { Provider } from '#server/domain/checks/provider.ts'
import { failureSpec, type PresentedCertificate } from '#shared/faults/failure.ts'
import { type Fix, lines } from './fix-text.ts'

/** The page on which each provider publishes its roots. */
const CA_PAGES: Readonly<Partial<Record<Provider, string>>> = {
  rds: 'Amazon publishes the certificates of each region at https://truststore.pki.rds.amazonaws.com/ (one region, not the global bundle).',
  supabase: 'Supabase shows its CA certificate in the project: Database, Settings, SSL Configuration.',
  cloudsql: 'Google Cloud shows the CA certificate of the instance: Connections, Security.',
  azure:
    'Azure lists the roots of its servers at https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-networking-ssl-tls.',
}

/** Further pages, by host. */
const CA_PAGES_BY_HOST: readonly (readonly [RegExp, string])[] = [
  [/\.ondigitalocean\.com$/, 'DigitalOcean offers it under Connection details: Download CA certificate.'],
  [/\.aivencloud\.com$/, 'Aiven offers it in the overview of the service: CA certificate.'],
  [/\.timescale(db)?\.(com|cloud)$/, 'Tiger Cloud offers it in the overview of the service.'],
  [/\.postgresbridge\.com$/, 'Crunchy Bridge offers it in the settings of the team.'],
  [/\.(scw|scaleway)\.(cloud|com)$/, 'Scaleway offers it in the overview of the database: SSL certificate.'],
  [/\.ovh\.(net|com)$/, 'OVHcloud offers it in the general information of the service.'],
  [/\.cockroachlabs\.cloud$/, 'Cockroach Labs offers it under Connect: Download CA Cert.'],
]

const RELOAD = 'Then reload the configuration, as a superuser:\nselect pg_catalog.pg_reload_conf();'

/** A chain that ends in no trusted CA. */
export const untrustedFix: Fix = ({ isCaNamed, provider, host }, { certificate }) =>
  lines(
    isCaNamed
      ? 'The given CA certificate did not issue it, or the server sends no intermediate certificate. Give the CA that issued it.'
      : failureSpec('certificate_untrusted').fix,
    certificate === undefined || certificate.issuer === '' ? '' : `It was issued by ${quoted(certificate.issuer)}.`,
    CA_PAGES[provider] ?? CA_PAGES_BY_HOST.find(([pattern]) => pattern.test(host.toLowerCase()))?.[1] ?? '',
  )

/** A certificate outside its validity period: the server's, another one in its chain, or one that was supplied. */
export const expiredFix: Fix = (_, { certificate }) => {
  const renew = failureSpec('certificate_expired').fix
  if (certificate === undefined) return lines(renew, RELOAD)
  const { owner, subject } = certificate
  if (owner === 'given')
    return `The given CA certificate ${quoted(subject)} is outside its validity period (${dates(certificate)}): give a current one.`
  if (owner === 'sent')
    return lines(
      `The intermediate certificate ${quoted(subject)} that the server sends is outside its validity period (${dates(certificate)}): put a current one into the server's ssl_cert_file.`,
      RELOAD,
    )
  return lines(`${renew} It holds from ${dates(certificate)}.`, RELOAD)
}

/** A certificate for a name other than the dialled one. */
export const nameMismatchFix: Fix = (_, { certificate }) =>
  certificate === undefined || certificate.names.length === 0
    ? failureSpec('certificate_name_mismatch').fix
    : `The certificate is for ${certificate.names.join(', ')}. Use one of these names, or sslmode=verify-ca.`

function quoted(text: string): string {
  return text === '' ? 'without a name' : `"${text}"`
}

function dates({ validFrom, validTo }: PresentedCertificate): string {
  const day = (date: string) => date.slice(0, 10) || 'an unreadable date'
  return `${day(validFrom)} to ${day(validTo)}`
}
