/**
 * Parses the query of a connection string into the settings that Mooring honours, and advisories for the ones it
 * ignores.
 *
 * Names are compared as libpq compares them: exactly, including case. A parameter with two different values is refused,
 * because parsers disagree about which one wins. Called only by `connection-string.ts`.
 */
import type { Advisory } from '#shared/checks/check.ts'
import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { EMPTY_FILES, FILES, HONOURED, IGNORED, IGNORED_VALUES, REFUSED_NAMES } from './parameter-rules.ts'
import { adviseOnSchema, readSchema, schemaConflict } from './schema-parameters.ts'
import { readTlsMode, TLS_MODES, type TlsMode } from './tls-parameters.ts'
import { displayedName, malformed, refuseUnknown } from './unknown-parameters.ts'
import { decodeComponent } from './uri-text.ts'

/** The settings that a query may have. */
export interface Options {
  readonly tlsMode: TlsMode
  readonly channelBinding: 'disable' | 'prefer' | 'require'
  readonly sslNegotiation: 'postgres' | 'direct'
  readonly applicationName: string | null
  readonly connectTimeoutSeconds: number | null
  readonly neonEndpoint: string | null
}

interface Read {
  readonly ok: true
  readonly settings: Options
  readonly advisories: readonly Advisory[]
  /** The schema named by `schema` or `currentSchema`; null if neither names one. */
  readonly schema: string | null
}

const BINDINGS = ['disable', 'prefer', 'require'] as const
const NEGOTIATIONS = ['postgres', 'direct'] as const

const DEFAULTS: Options = {
  tlsMode: 'require',
  channelBinding: 'prefer',
  sslNegotiation: 'postgres',
  applicationName: null,
  connectTimeoutSeconds: null,
  neonEndpoint: null,
}

const NEON_HOST = /\.neon\.(?:tech|build)$/
const NEON_OPTION = /^(?:endpoint|project)=([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/

/** The parsed part before the question mark. Only Neon's hosts take its option; no message shows the password. */
interface Before {
  readonly host: string
  readonly password: string
}

/** Decoded names and values, in their original order. */
type Pairs = ReadonlyMap<string, string>

/** Reads the text after the question mark. */
export function readParameters(query: string, before: Before): Read | Refusal {
  if (query === '') return { ok: true, settings: DEFAULTS, advisories: [], schema: null }
  const values = readPairs(query, before)
  if (!values.ok) return values
  const { pairs } = values
  let settings = DEFAULTS
  const advisories: Advisory[] = []
  for (const [name, value] of pairs) {
    const read = readOne(name, value, before)
    if (!read.ok) return read
    settings = { ...settings, ...read.sets }
    const advice = adviseOnSchema(name, value) ?? read.advice
    if (advice !== null) advisories.push({ item: name, recommendation: advice })
  }
  const clash = refuseClash(settings, pairs) ?? schemaConflict(pairs)
  return clash ?? { ok: true, settings: settled(settings, pairs), advisories, schema: readSchema(pairs) }
}

/** Resolves parameters together: `sslmode` wins over `ssl=true`, and public roots imply a verified server. */
function settled(settings: Options, pairs: Pairs): Options {
  const mode = TLS_MODES.find(one => one === pairs.get('sslmode'))
  if (mode !== undefined) return { ...settings, tlsMode: mode }
  return pairs.get('sslrootcert') ? { ...settings, tlsMode: 'verify-full' } : settings
}

/** Splits the query into pairs. A repeated name must have one value, because parsers disagree about which wins. */
function readPairs(query: string, before: Before): { ok: true; pairs: Pairs } | Refusal {
  const pairs = new Map<string, string>()
  // libpq accepts an ampersand after the last parameter.
  const text = query.endsWith('&') ? query.slice(0, -1) : query
  for (const pair of text === '' ? [] : text.split('&')) {
    const read = readPair(pair)
    if (!read.ok) return read
    const { name, value } = read
    if (pairs.has(name) && pairs.get(name) !== value) {
      return refuse(
        'parameter_repeated',
        `The parameter ${displayedName(name, before)} is given twice with different values; give it once.`,
      )
    }
    pairs.set(name, value)
  }
  const unknown = [...pairs.keys()].filter(name => !isKnown(name))
  const refused = unknown.length === 0 ? null : refuseUnknown(unknown, before)
  return refused ?? { ok: true, pairs }
}

function readPair(pair: string): { ok: true; name: string; value: string } | Refusal {
  const equals = pair.indexOf('=')
  // A question mark followed by an equals sign is the beginning of a second query.
  if (pair.includes('?') && pair.indexOf('=', pair.indexOf('?')) > 0) {
    return refuse('parameter_malformed', 'The parameters contain a second ?: join them with &.')
  }
  if (equals < 1) return refuse('parameter_malformed', malformed(pair))
  const name = pair.slice(0, equals)
  const raw = pair.slice(equals + 1)
  // An options object of Node; `readTlsMode` explains how to write it.
  if (name === 'ssl' && raw.includes('rejectUnauthorized')) return { ok: true, name, value: raw }
  const value = decodeComponent(raw, 'parameter')
  if (!value.ok) return value
  // libpq refuses a second equals sign. `options` often contains one and has error messages of its own.
  if (raw.includes('=') && name !== 'options') {
    return refuse('character_unencoded', 'A parameter contains an unencoded second =: encode it as %3D.')
  }
  return { ok: true, name, value: value.text }
}

function isKnown(name: string): boolean {
  return HONOURED.includes(name) || [IGNORED, IGNORED_VALUES, REFUSED_NAMES].some(table => Object.hasOwn(table, name))
}

interface One {
  readonly ok: true
  readonly sets: Partial<Options>
  readonly advice: string | null
}

function readOne(name: string, value: string, before: Before): One | Refusal {
  if (Object.hasOwn(IGNORED, name)) return { ok: true, sets: {}, advice: IGNORED[name] ?? null }
  if (value === '' && EMPTY_FILES.has(name)) return { ok: true, sets: {}, advice: 'It is empty. Leave it out.' }
  const listed = Object.hasOwn(IGNORED_VALUES, name) ? IGNORED_VALUES[name] : undefined
  if (listed?.values.includes(value)) return { ok: true, sets: {}, advice: `Leave it out: ${listed.reason}.` }
  const reason = listed?.reason ?? (Object.hasOwn(REFUSED_NAMES, name) ? REFUSED_NAMES[name] : undefined)
  if (reason !== undefined) return refuse('parameter_refused', `The parameter ${name} is refused: ${reason}.`)
  if (name === 'options') return readOptions(value, before.host)
  if (name === 'sslrootcert') return readRoots(value)
  if (name === 'sslmode' || name === 'ssl') {
    const read = readTlsMode(name, value)
    if (read.ok) return { ok: true, sets: { tlsMode: read.mode }, advice: null }
    return (value.includes('rejectUnauthorized') ? null : endsOddly(value)) ?? read
  }
  const sets = honoured(name, value)
  if (sets === null)
    return (
      endsOddly(value) ?? refuse('parameter_value', `The parameter ${name} ${TAKEN[name] ?? 'has an invalid value'}.`)
    )
  return { ok: true, sets, advice: null }
}

/** The accepted values of each parameter, for the message of a refusal. */
const TAKEN: Readonly<Record<string, string>> = {
  channel_binding: 'must be disable, prefer or require, in lower case',
  sslnegotiation: 'must be postgres or direct, in lower case',
  connect_timeout: 'must be a whole number of seconds',
}

/** Refuses a value that ends with punctuation, which was probably copied with it. */
function endsOddly(value: string): Refusal | null {
  const [, last] = /([;,.)'>\]}*/!|?])$/.exec(value) ?? []
  if (last === undefined) return null
  const named = last === "'" ? 'the quote' : `the ${last}`
  return refuse('parameter_value', `A value among the parameters ends with ${last}: remove ${named} at the end.`)
}

/** `system` is libpq 16's name for the system's roots, which are the public ones here. Any other value names a file. */
function readRoots(value: string): One | Refusal {
  if (value === 'system') return { ok: true, sets: {}, advice: null }
  return refuse(
    'parameter_refused',
    `The parameter sslrootcert is refused: ${FILES}. For public roots write sslrootcert=system.`,
  )
}

/** Accepts only Neon's endpoint option. Any other option sets a session parameter and could remove our limits. */
function readOptions(value: string, host: string): One | Refusal {
  if (value === '') return { ok: true, sets: {}, advice: null }
  if (/^reference=/.test(value)) {
    return refuse(
      'parameter_refused',
      'The parameter options is refused: write the user name as role.project-ref, and leave it out.',
    )
  }
  const [, endpoint] = NEON_OPTION.exec(value) ?? []
  if (endpoint === undefined)
    return refuse('parameter_refused', `The parameter options is refused: ${refusedOption(value)}.`)
  // Any other server rejects the login because of an unknown argument, so the option is not sent there.
  if (!NEON_HOST.test(host)) return { ok: true, sets: {}, advice: "It is Neon's; this host is not. Leave it out." }
  return { ok: true, sets: { neonEndpoint: endpoint }, advice: 'The host name already contains it. Leave it out.' }
}

/** The reason why an option is refused, and the replacement for it. */
function refusedOption(value: string): string {
  if (/search_path/i.test(value)) return 'give the schema in the schema field, or as the parameter schema'
  if (/--cluster/.test(value)) return 'it names a CockroachDB cluster, which is not PostgreSQL; leave it out'
  if (/(?:endpoint|project)=/.test(value))
    return "endpoint=… is the only one of Neon's options that is accepted; leave the others out"
  return "Mooring chooses the settings of the server's session; leave it out"
}

/** Returns the settings of an honoured parameter; null for an invalid value. Unknown names have been refused by now. */
function honoured(name: string, value: string): Partial<Options> | null {
  switch (name) {
    case 'channel_binding':
      return given('channelBinding', pick(BINDINGS, value))
    case 'sslnegotiation':
      return given('sslNegotiation', pick(NEGOTIATIONS, value))
    case 'application_name':
      return { applicationName: value === '' ? null : value }
    case 'connect_timeout':
      // Zero means "no limit" in libpq; our own limit still applies.
      return /^[0-9]{1,6}$/.test(value) ? { connectTimeoutSeconds: Number(value) || null } : null
    default:
      return {}
  }
}

function pick<T extends string>(among: readonly T[], value: string): T | null {
  return among.find(one => one === value) ?? null
}

function given<K extends keyof Options>(name: K, value: Options[K] | null): Pick<Options, K> | null {
  // A computed key widens to an index signature; with one key of one type it is exactly this Pick.
  return value === null ? null : ({ [name]: value } as Pick<Options, K>)
}

/** Refuses pairs that contradict each other. In libpq the last one wins, or the connection attempt fails. */
function refuseClash(settings: Options, pairs: Pairs): Refusal | null {
  if (pairs.has('ssl') && pairs.get('sslmode') === 'disable') {
    return refuse('parameter_value', 'The parameters ssl and sslmode contradict each other; leave ssl out.')
  }
  if (pairs.get('sslrootcert') && (pairs.get('sslmode') ?? 'verify-full') !== 'verify-full') {
    return refuse('parameter_value', 'The parameter sslrootcert=system needs sslmode=verify-full.')
  }
  const { tlsMode } = settled(settings, pairs)
  if (settings.sslNegotiation === 'direct' && ['disable', 'allow', 'prefer'].includes(tlsMode)) {
    return refuse('parameter_value', 'The parameter sslnegotiation=direct needs sslmode=require or stronger.')
  }
  if (settings.channelBinding === 'require' && tlsMode === 'disable') {
    return refuse('parameter_value', 'The parameter channel_binding=require needs TLS; sslmode=disable has none.')
  }
  return null
}
