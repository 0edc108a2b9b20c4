/**
 * The query of a connection string → the settings that are honoured, and advisories for what is ignored.
 *
 * Names are compared as libpq compares them: exactly, in their own case. A parameter that stands twice is refused, since
 * parsers differ in which one wins. Called by `connection-string.ts` only.
 */
import type { Advisory } from '#shared/checks/check.ts'
import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { IGNORED, IGNORED_VALUES, REFUSED } from './parameter-rules.ts'
import { decodeComponent } from './uri-text.ts'

/** libpq's sslmode. A string without one is dialled as `require`. */
export type TlsMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** What the query may set. */
export interface Settings {
  readonly tlsMode: TlsMode
  readonly channelBinding: 'disable' | 'prefer' | 'require'
  readonly sslNegotiation: 'postgres' | 'direct'
  readonly applicationName: string | null
  readonly connectTimeoutSeconds: number | null
  readonly neonEndpoint: string | null
}

interface Read {
  readonly ok: true
  readonly settings: Settings
  readonly advisories: readonly Advisory[]
}

const TLS_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
const BINDINGS = ['disable', 'prefer', 'require'] as const
const NEGOTIATIONS = ['postgres', 'direct'] as const

const DEFAULTS: Settings = {
  tlsMode: 'require',
  channelBinding: 'prefer',
  sslNegotiation: 'postgres',
  applicationName: null,
  connectTimeoutSeconds: null,
  neonEndpoint: null,
}

const NEON_HOST = /\.neon\.(?:tech|build)$/
const NEON_OPTION = /^endpoint=([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/

/** What stands before the question mark, already read. Neon's option is for Neon's hosts; no message shows a password. */
interface Before {
  readonly host: string
  readonly password: string
}

/** Reads the text after the question mark. */
export function readParameters(query: string, before: Before): Read | Refusal {
  const values = readPairs(query, before)
  if (!values.ok) return values
  let settings = DEFAULTS
  const advisories: Advisory[] = []
  for (const [name, value] of values.pairs) {
    const read = readOne(name, value, before)
    if (!read.ok) return read
    settings = { ...settings, ...read.sets }
    if (read.advice !== null) advisories.push({ item: name, recommendation: read.advice })
  }
  const clash = refuseClash(settings, values.pairs)
  return clash ?? { ok: true, settings, advisories }
}

function readPairs(query: string, before: Before): { ok: true; pairs: Map<string, string> } | Refusal {
  const pairs = new Map<string, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const equals = pair.indexOf('=')
    if (equals < 1) return refuse('parameter_malformed', 'A parameter is not of the form name=value.')
    const name = pair.slice(0, equals)
    const raw = pair.slice(equals + 1)
    const value = decodeComponent(raw, 'parameter')
    if (!value.ok) return value
    // libpq refuses a second equals sign; Neon's own option is the one that is commonly pasted with it.
    if (raw.includes('=') && !(name === 'options' && NEON_OPTION.test(raw))) {
      return refuse('character_unencoded', 'A parameter holds a second = as it is: encode = as %3D.')
    }
    if (pairs.has(name)) {
      return refuse('parameter_repeated', `The parameter ${shown(name, before)} stands there twice; give it once.`)
    }
    pairs.set(name, value.text)
  }
  return { ok: true, pairs }
}

interface One {
  readonly ok: true
  readonly sets: Partial<Settings>
  readonly advice: string | null
}

function readOne(name: string, value: string, before: Before): One | Refusal {
  if (Object.hasOwn(IGNORED, name)) return { ok: true, sets: {}, advice: IGNORED[name] ?? null }
  const listed = Object.hasOwn(IGNORED_VALUES, name) ? IGNORED_VALUES[name] : undefined
  if (listed?.values.includes(value)) return { ok: true, sets: {}, advice: `Leave it out: ${listed.reason}.` }
  const reason = listed?.reason ?? (Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined)
  if (reason !== undefined) return refuse('parameter_refused', `The parameter ${name} is refused: ${reason}.`)
  if (name === 'options') return readOptions(value, before.host)
  const sets = honoured(name, value)
  if (sets === undefined) {
    return refuse('parameter_unknown', `The parameter ${shown(name, before)} is not known here; leave it out.`)
  }
  if (sets === null) return refuse('parameter_value', `The parameter ${name} has a value that is not taken.`)
  return { ok: true, sets, advice: null }
}

/** Any other option is a setting of the server's session, the first of which would be to take our limits off. */
function readOptions(value: string, host: string): One | Refusal {
  const [, endpoint] = NEON_OPTION.exec(value) ?? []
  if (endpoint === undefined) {
    return refuse(
      'parameter_refused',
      "The parameter options is refused: settings of the server's session are our own.",
    )
  }
  // Any other server takes it for an unknown argument and turns the login away, so that it is not sent there.
  if (!NEON_HOST.test(host)) return { ok: true, sets: {}, advice: "It is Neon's; this host is not. Leave it out." }
  return { ok: true, sets: { neonEndpoint: endpoint }, advice: "The host's name already says it. Leave it out." }
}

/** The name of a parameter, where it is a plain word and no piece of the password; otherwise nothing of it. */
function shown(name: string, { password }: Before): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(name)) return '(its name is not shown)'
  for (let at = 0; at + 8 <= name.length; at += 1) {
    if (password.includes(name.slice(at, at + 8))) return '(its name is not shown)'
  }
  return name
}

/** What an honoured parameter sets; null for a value that it does not take, undefined for a name that is not honoured. */
function honoured(name: string, value: string): Partial<Settings> | null | undefined {
  switch (name) {
    case 'sslmode':
      return given('tlsMode', pick(TLS_MODES, value))
    case 'ssl':
      // libpq takes exactly this, for JDBC's sake, as sslmode=require.
      return given('tlsMode', value === 'true' ? 'require' : null)
    case 'channel_binding':
      return given('channelBinding', pick(BINDINGS, value))
    case 'sslnegotiation':
      return given('sslNegotiation', pick(NEGOTIATIONS, value))
    case 'application_name':
      return { applicationName: value === '' ? null : value }
    case 'connect_timeout':
      // Zero is libpq's "no limit", which leaves ours.
      return /^[0-9]{1,6}$/.test(value) ? { connectTimeoutSeconds: Number(value) || null } : null
    default:
      return undefined
  }
}

function pick<T extends string>(among: readonly T[], value: string): T | null {
  return among.find(one => one === value) ?? null
}

function given<K extends keyof Settings>(name: K, value: Settings[K] | null): Pick<Settings, K> | null {
  // A computed key widens to an index signature; with one key of one type it is exactly this Pick.
  return value === null ? null : ({ [name]: value } as Pick<Settings, K>)
}

/** Pairs that contradict each other. libpq lets the last one win, or fails once connected. */
function refuseClash(settings: Settings, pairs: ReadonlyMap<string, string>): Refusal | null {
  if (pairs.has('ssl') && pairs.has('sslmode') && pairs.get('sslmode') !== 'require') {
    return refuse('parameter_value', 'The parameters ssl and sslmode say different things; leave ssl out.')
  }
  if (settings.sslNegotiation === 'direct' && ['disable', 'allow', 'prefer'].includes(settings.tlsMode)) {
    return refuse('parameter_value', 'The parameter sslnegotiation=direct needs sslmode=require or stronger.')
  }
  if (settings.channelBinding === 'require' && settings.tlsMode === 'disable') {
    return refuse('parameter_value', 'The parameter channel_binding=require needs TLS; sslmode=disable has none.')
  }
  return null
}
