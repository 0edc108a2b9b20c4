/**
 * The reasons for refusing an unknown parameter, with the known name that may be meant, and for refusing a malformed
 * pair. Called only by `connection-parameters.ts`.
 */
import { nearest } from '#shared/base/near-names.ts'
import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { HONOURED } from './parameter-rules.ts'

/** The message for a pair that lacks a name or an equals sign. */
export function malformed(pair: string): string {
  const known = HONOURED.find(name => name === pair)
  return known === undefined
    ? 'A parameter is not of the form name=value.'
    : `The parameter ${known} has no = and no value: write ${known}=value.`
}

/** The password of the string, so that no message shows a piece of it. */
interface Secretive {
  readonly password: string
}

const MODE = 'sslmode'
/** Names that drivers use for these parameters, in lower case and without separators. */
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

/** Refuses all unknown names in one message; null if there are none. */
export function refuseUnknown(unknown: readonly string[], before: Secretive): Refusal | null {
  const [first] = unknown
  if (first === undefined) return null
  if (unknown.length > 1) {
    const listed = unknown.slice(0, 10).map(name => displayedName(name, before))
    const last = unknown.length > 10 ? 'others' : listed.pop()
    return refuse('parameter_unknown', `The parameters ${listed.join(', ')} and ${last} are unknown; leave them out.`)
  }
  const plain = first.toLowerCase().replace(/%20|[^a-z0-9]/g, '')
  const of = `The parameter ${displayedName(first, before)} is unknown`
  if (OF_LOGIN.test(plain))
    return refuse('parameter_unknown', `${of}: host, database and login belong before the question mark.`)
  const meant = (Object.hasOwn(ALIASES, plain) ? ALIASES[plain] : undefined) ?? nearest(plain, HONOURED)
  return refuse(
    'parameter_unknown',
    meant == null ? `${of}; leave it out.` : `${of}: write ${meant} if that is meant, or leave it out.`,
  )
}

/**
 * Returns the name of a parameter for a message. A name that is not a plain word or contains a piece of the password is
 * not shown.
 */
export function displayedName(name: string, { password }: Secretive): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(name)) return '(its name is not shown)'
  for (let at = 0; at + 8 <= name.length; at += 1) {
    if (password.includes(name.slice(at, at + 8))) return '(its name is not shown)'
  }
  return name
}
