/**
 * Logins that the server refuses: passwords, roles,
 * `pg_hba.conf`, and authentication methods.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { altered, type Misconfiguration } from '#test/fixes/misconfiguration.ts'
import type { Place } from '#test/fixes/place.ts'

const refused = { reason: 'authentication_failed', item: 'authenticate' } as const
const unsafe = { reason: 'authentication_unsafe', item: 'authenticate' } as const
const isRefused = { ...refused, cause: 'user name or password refused' }
const isElsewhere = { ...refused, cause: 'does not accept logins from the address of this installation' }
const isAsked = { ...refused, cause: 'requires a client certificate' }
const isExposed = {
  ...unsafe,
  cause: 'a request for the password in clear text or as MD5 by a server whose certificate is not verified',
}

/** Adds a line of `pg_hba.conf` for the login of a place. */
const ruled =
  (rule: string, kind = 'host') =>
  async (place: Place) => {
    await place.putAbove([`${kind} all ${place.login} 127.0.0.1/32 ${rule}`])
    await place.reload()
  }

/** The server can request client certificates once it knows an authority for them. */
async function knowClients(place: Place): Promise<void> {
  await writeFile(join(place.dataDirectory, 'clients.crt'), place.authority.cert, { mode: 0o644 })
  await place.sql("alter system set ssl_ca_file = 'clients.crt'", 'postgres')
}

const UMLAUT = 'ä-shopper-7'
/** The password that a server stores when a client that declares LATIN1 sends the UTF-8 of the other one. */
const MISREAD = Buffer.from(UMLAUT, 'utf8').toString('latin1')

const PASSWORDS: readonly Misconfiguration[] = [
  { title: 'The password is another one', attempt: () => ({ password: 'another-one-altogether' }), says: isRefused },
  { title: 'The role has no password', breaks: altered('alter role :login password null'), says: isRefused },
  {
    title: 'The role is past its VALID UNTIL',
    breaks: altered("alter role :login valid until '2020-01-01'"),
    says: { ...isRefused, fix: ['VALID UNTIL', "valid until 'infinity'"] },
  },
  {
    title: 'The password was set through a client that spells ä otherwise',
    attempt: () => ({ password: UMLAUT }),
    breaks: altered(`alter role :login password '${MISREAD}'`),
    says: { ...isRefused, fix: ['non-ASCII'] },
  },
  {
    title: 'The role has no LOGIN',
    breaks: altered('alter role :login nologin'),
    says: { reason: 'authentication_failed', item: 'database', cause: 'the role has no LOGIN' },
  },
]

const RULES: readonly Misconfiguration[] = [
  { title: '`pg_hba.conf` has no line for the role', login: 'unlisted', says: isElsewhere },
  { title: '`pg_hba.conf` rejects the role', breaks: ruled('reject'), says: isElsewhere },
  {
    title: '`pg_hba.conf` takes the role in clear alone',
    login: 'unlisted',
    breaks: ruled('scram-sha-256', 'hostnossl'),
    says: isElsewhere,
  },
  {
    title: '`pg_hba.conf` trusts the role',
    breaks: ruled('trust'),
    says: { ...unsafe, cause: 'a server that did not prove that it knows the password' },
  },
  { title: '`pg_hba.conf` asks for the password in clear', breaks: ruled('password'), says: isExposed },
  {
    title: 'The password is stored as MD5',
    breaks: async place => {
      await altered("set password_encryption = 'md5'; alter role :login password ':password'")(place)
      await ruled('md5')(place)
    },
    says: isExposed,
  },
  {
    title: "`pg_hba.conf` asks the client's ident service",
    breaks: ruled('ident'),
    says: { ...unsafe, cause: 'a login method other than SCRAM' },
  },
  {
    title: '`pg_hba.conf` requires a client certificate',
    breaks: async place => {
      await knowClients(place)
      await ruled('cert', 'hostssl')(place)
    },
    says: isAsked,
  },
  {
    title: '`pg_hba.conf` requires a client certificate beside the password',
    breaks: async place => {
      await knowClients(place)
      await ruled('scram-sha-256 clientcert=verify-ca', 'hostssl')(place)
    },
    says: isAsked,
  },
]

const ITERATIONS: readonly Misconfiguration[] = [
  {
    title: 'The password is hashed with 600,000 SCRAM iterations',
    breaks: altered("set scram_iterations = 600000; alter role :login password ':password'"),
    says: { ...unsafe, cause: '600000 SCRAM iterations', fix: ['Set scram_iterations to 100000'] },
  },
  {
    title: 'The password is hashed with 1,024 SCRAM iterations',
    breaks: altered("set scram_iterations = 1024; alter role :login password ':password'"),
    says: { ...unsafe, cause: '1024 SCRAM iterations', fix: ['Set scram_iterations to 4096'] },
  },
]

/** The misconfigurations of this group. */
export const LOGINS: readonly Misconfiguration[] = [...PASSWORDS, ...RULES, ...ITERATIONS]
