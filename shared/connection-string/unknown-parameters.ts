/**
 * Why a parameter of a connection string is not taken: a name that nobody knows here, with the one that may be meant, and a pair that is none.
 * Called by `connection-parameters.ts` only.
 */
import { nearest } from '#shared/base/near-names.ts'
import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { HONOURED } from './parameter-rules.ts'

/** The sentence for a pair without a name, or without an equals sign. */
export function malformed(pair: string): string {
  const known = HONOURED.find(name => name === pair)
  return known === undefined
    ? 'A parameter is not of the form name=value.'
    : `The parameter ${known} has no = and no value behind it: write ${known}=value.`
}

/** No message shows a piece of the password. */
interface Secretive {
  readonly password: string
}

const MODE = 'sslmode'
/** Its names in drivers, in lower case and without separators. */
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

/** All names that are not known, in one sentence; null where there is none. */
export function refuseUnknown(unknown: readonly string[], before: Secretive): Refusal | null {
  const [first] = unknown
  if (first === undefined) return null
  if (unknown.length > 1) {
    const listed = unknown.slice(0, 10).map(name => displayedName(name, before))
    const last = unknown.length > 10 ? 'others' : listed.pop()
    return refuse(
      'parameter_unknown',
      `The parameters ${listed.join(', ')} and ${last} are not known here; leave them out.`,
    )
  }
  const plain = first.toLowerCase().replace(/%20|[^a-z0-9]/g, '')
  const of = `The parameter ${displayedName(first, before)} is not known here`
  if (OF_LOGIN.test(plain))
    return refuse('parameter_unknown', `${of}: host, database and login stand before the question mark.`)
  const meant = (Object.hasOwn(ALIASES, plain) ? ALIASES[plain] : undefined) ?? nearest(plain, HONOURED)
  return refuse(
    'parameter_unknown',
    meant == null ? `${of}; leave it out.` : `${of}: write ${meant} where that is meant, or leave it out.`,
  )
}

/** The name of a parameter, where it is a plain word and no piece of the password; otherwise nothing of it. */
export function displayedName(name: string, { password }: Secretive): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(name)) return '(its name is not shown)'
  for (let at = 0; at + 8 <= name.length; at += 1) {
    if (password.includes(name.slice(at, at + 8))) return '(its name is not shown)'
  }
  return name
}
