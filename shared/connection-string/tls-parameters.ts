/**
 * The parameters that say how TLS is to be: libpq's `sslmode`, and the spellings of drivers, which are answered with the value of
 * libpq's that is meant. Called by `connection-parameters.ts` only.
 */
import { nearest } from '#shared/base/near-names.ts'
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

/** libpq's sslmode. A string without one is dialled as `require`. */
export const TLS_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
/** One of them. */
export type TlsMode = (typeof TLS_MODES)[number]

const LISTED = `${TLS_MODES.slice(0, -1).join(', ')} or ${TLS_MODES.at(-1)}`

/** The drivers' names of each parameter, in lower case and without separators. */
const MEANT: Readonly<Record<string, TlsMode>> = {
  '': 'require',
  '0': 'disable',
  false: 'disable',
  off: 'disable',
  no: 'disable',
  none: 'disable',
  disabled: 'disable',
  '1': 'require',
  true: 'require',
  on: 'require',
  yes: 'require',
  enable: 'require',
  enabled: 'require',
  required: 'require',
  noverify: 'require',
  verifynone: 'require',
  skipverify: 'require',
  selfsigned: 'require',
  allowselfsigned: 'require',
  insecure: 'require',
  preferred: 'prefer',
  allowed: 'allow',
  verify: 'verify-full',
  strict: 'verify-full',
  full: 'verify-full',
  verifyidentity: 'verify-full',
  verified: 'verify-full',
}

/** The mode that a value of `sslmode` or `ssl` sets, or a refusal that names the one that is meant. */
export function readTlsMode(
  name: 'sslmode' | 'ssl',
  value: string,
): { readonly ok: true; readonly mode: TlsMode } | Refusal {
  const exact = TLS_MODES.find(mode => mode === value)
  if (name === 'sslmode' && exact !== undefined) return { ok: true, mode: exact }
  // libpq takes exactly this, for JDBC's sake, as sslmode=require.
  if (name === 'ssl' && value === 'true') return { ok: true, mode: 'require' }
  const meant = meaning(value)
  const hint = meant === undefined ? '' : ` Write sslmode=${meant}.`
  const what = name === 'ssl' ? 'The parameter ssl is taken as ssl=true alone; sslmode' : 'The parameter sslmode'
  return refuse('parameter_value', `${what} is one of ${LISTED}, in lower case.${hint}`)
}

function meaning(value: string): TlsMode | undefined {
  const plain = value.toLowerCase().replace(/[^a-z0-9]/g, '')
  const exact = TLS_MODES.find(mode => mode.replace('-', '') === plain)
  const listed = exact ?? (Object.hasOwn(MEANT, plain) ? MEANT[plain] : undefined)
  if (listed !== undefined) return listed
  // Node's object, pasted as a value: an unverified server is what require has.
  if (plain.includes('rejectunauthorized')) return plain.endsWith('true') ? 'verify-full' : 'require'
  return TLS_MODES.find(mode => mode === nearest(value, TLS_MODES))
}
