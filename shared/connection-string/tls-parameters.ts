/**
 * The parameters that select the TLS mode: libpq's `sslmode`, and the names and values of other drivers, which are
 * refused with the libpq value that they correspond to. Called only by `connection-parameters.ts`.
 */
import { nearest } from '#shared/base/near-names.ts'
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

/** libpq's sslmode. A string without one is dialled as `require`. */
export const TLS_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
/** One libpq sslmode. */
export type TlsMode = (typeof TLS_MODES)[number]

const LISTED = `${TLS_MODES.slice(0, -1).join(', ')} or ${TLS_MODES.at(-1)}`

/** Drivers' names for the modes, in lower case and without separators. */
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

/** Returns the mode that a value of `sslmode` or `ssl` sets, or a refusal that suggests the intended mode. */
export function readTlsMode(
  name: 'sslmode' | 'ssl',
  value: string,
): { readonly ok: true; readonly mode: TlsMode } | Refusal {
  const exact = TLS_MODES.find(mode => mode === value)
  if (name === 'sslmode' && exact !== undefined) return { ok: true, mode: exact }
  // libpq accepts exactly this as sslmode=require, for compatibility with JDBC.
  if (name === 'ssl' && value === 'true') return { ok: true, mode: 'require' }
  const meant = meaning(value)
  const hint = meant === undefined ? '' : ` Write sslmode=${meant}.`
  const what = name === 'ssl' ? 'The parameter ssl only accepts ssl=true; sslmode' : 'The parameter sslmode'
  return refuse('parameter_value', `${what} is one of ${LISTED}, in lower case.${hint}`)
}

function meaning(value: string): TlsMode | undefined {
  const plain = value.toLowerCase().replace(/[^a-z0-9]/g, '')
  const exact = TLS_MODES.find(mode => mode.replace('-', '') === plain)
  const listed = exact ?? (Object.hasOwn(MEANT, plain) ? MEANT[plain] : undefined)
  if (listed !== undefined) return listed
  // An options object of Node, pasted as a value. `rejectUnauthorized: false` corresponds to `require`, which does not
  // verify the server.
  if (plain.includes('rejectunauthorized')) return plain.endsWith('true') ? 'verify-full' : 'require'
  return TLS_MODES.find(mode => mode === nearest(value, TLS_MODES))
}
