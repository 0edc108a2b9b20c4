/**
 * The query of a connection string as pairs of name and value, each name once, and the refusal of names that nobody knows here. Called by
 * `connection-parameters.ts` only.
 */
import { nearest } from '#shared/base/near-names.ts'
import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { HONOURED, IGNORED, IGNORED_VALUES, REFUSED } from './parameter-rules.ts'
import { decodeComponent } from './uri-text.ts'

/** What stands before the question mark, already read. Neon's option is for Neon's hosts; no message shows a password. */
export interface Before {
  readonly host: string
  readonly password: string
}

/** Names and values, decoded, in their order. */
export type Pairs = ReadonlyMap<string, string>

/** Reads them. A name that stands twice has one value, since parsers differ in which one wins. */
export function readPairs(query: string, before: Before): { ok: true; pairs: Pairs } | Refusal {
  const pairs = new Map<string, string>()
  // libpq takes an ampersand behind the last parameter.
  const text = query.endsWith('&') ? query.slice(0, -1) : query
  for (const pair of text === '' ? [] : text.split('&')) {
    const read = readPair(pair)
    if (!read.ok) return read
    const { name, value } = read
    if (pairs.has(name) && pairs.get(name) !== value) {
      return refuse(
        'parameter_repeated',
        `The parameter ${shown(name, before)} stands there twice, with two values; give it once.`,
      )
    }
    pairs.set(name, value)
  }
  return refuseUnknown([...pairs.keys()], before) ?? { ok: true, pairs }
}

function readPair(pair: string): { ok: true; name: string; value: string } | Refusal {
  const equals = pair.indexOf('=')
  // A question mark and an equals sign behind it: the beginning of another query.
  if (pair.includes('?') && pair.indexOf('=', pair.indexOf('?')) > 0) {
    return refuse('parameter_malformed', 'The parameters hold a second ?: join by &.')
  }
  if (equals < 1) return refuse('parameter_malformed', malformed(pair))
  const name = pair.slice(0, equals)
  const raw = pair.slice(equals + 1)
  // Node's object; what it asks for is told where the value is read.
  if (name === 'ssl' && raw.includes('rejectUnauthorized')) return { ok: true, name, value: raw }
  const value = decodeComponent(raw, 'parameter')
  if (!value.ok) return value
  // libpq refuses a second equals sign; options are commonly pasted with it, and have a reason of their own.
  if (raw.includes('=') && name !== 'options') {
    return refuse('character_unencoded', 'A parameter holds a second = as it is: encode = as %3D.')
  }
  return { ok: true, name, value: value.text }
}

function malformed(pair: string): string {
  const known = HONOURED.find(name => name === pair)
  return known === undefined
    ? 'A parameter is not of the form name=value.'
    : `The parameter ${known} has no = and no value behind it: write ${known}=value.`
}

const MODE = 'sslmode'
/** What drivers call it, in lower case and without separators. */
const ALIASES: Readonly<Record<string, string>> = {
  tls: MODE,
  tlsmode: MODE,
  usessl: MODE,
  usetls: MODE,
  sslenabled: MODE,
  sslrequired: MODE,
  encrypt: MODE,
  encryption: MODE,
  trustservercertificate: MODE,
  sslfactory: MODE,
  rejectunauthorized: MODE,
  sslca: 'sslrootcert',
  rootcert: 'sslrootcert',
  sslcacert: 'sslrootcert',
  applicationname: 'application_name',
  appname: 'application_name',
  timeout: 'connect_timeout',
  connectiontimeout: 'connect_timeout',
  defaultschema: 'schema',
  searchpath: 'schema',
}
const OF_LOGIN = /^(?:username|userid|uid|passwd|pwd|pass|db|databasename|initialcatalog|hostname|server|datasource)$/

/** All names that are not known, in one sentence. */
function refuseUnknown(names: readonly string[], before: Before): Refusal | null {
  const unknown = names.filter(name => !isKnown(name))
  const [first] = unknown
  if (first === undefined) return null
  if (unknown.length > 1) {
    const listed = unknown.slice(0, 10).map(name => shown(name, before))
    const last = unknown.length > 10 ? 'others' : listed.pop()
    return refuse(
      'parameter_unknown',
      `The parameters ${listed.join(', ')} and ${last} are not known here; leave them out.`,
    )
  }
  const plain = first.toLowerCase().replace(/%20|[^a-z0-9]/g, '')
  const of = `The parameter ${shown(first, before)} is not known here`
  if (OF_LOGIN.test(plain))
    return refuse('parameter_unknown', `${of}: host, database and login stand before the question mark.`)
  const meant = (Object.hasOwn(ALIASES, plain) ? ALIASES[plain] : undefined) ?? nearest(plain, HONOURED)
  return refuse(
    'parameter_unknown',
    meant == null ? `${of}; leave it out.` : `${of}: write ${meant} where that is meant, or leave it out.`,
  )
}

function isKnown(name: string): boolean {
  return HONOURED.includes(name) || [IGNORED, IGNORED_VALUES, REFUSED].some(table => Object.hasOwn(table, name))
}

/** The name of a parameter, where it is a plain word and no piece of the password; otherwise nothing of it. */
function shown(name: string, { password }: Before): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(name)) return '(its name is not shown)'
  for (let at = 0; at + 8 <= name.length; at += 1) {
    if (password.includes(name.slice(at, at + 8))) return '(its name is not shown)'
  }
  return name
}
