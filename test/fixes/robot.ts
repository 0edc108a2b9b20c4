/**
 * Follows a printed fix, and only that: it reads the text as a person would, without any other knowledge of the
 * mistake. It pastes SQL unchanged into psql, as the owner of the database, or as superuser only if the fix asks for
 * one; it puts lines of `pg_hba.conf` at the top; and it changes the string if the fix says how. The owner fills in the
 * parts between angle brackets, which only they know.
 */
import type { Attempt } from './attempt.ts'
import { type Place, reloaded } from './place.ts'
import { paste } from './psql.ts'

/** The owner's means. */
export interface Owner {
  readonly newPassword: string
  /** The CA certificate in force, as PEM. */
  readonly ca?: string
  /** Other host names of the server. */
  readonly hosts?: readonly string[]
  /** Installs a renewed certificate on the server. */
  readonly renew?: () => Promise<void>
  /** Recreates the database from a backup. */
  readonly restoreDatabase?: () => Promise<void>
  /** The port of the primary, if the string leads to a standby. */
  readonly primaryPort?: number
  /** Settings of the pooler that name the owner's files. */
  readonly files?: Readonly<Record<string, string>>
}

/** The next attempt, and a description of the steps taken. */
export interface Mended {
  readonly attempt: Attempt
  readonly done: readonly string[]
}

/**
 * The owner of the database has CREATEROLE and its tables but is not a superuser, so "or as a superuser" does not
 * require one.
 */
const ASKS_FOR_SUPERUSER = /Needs a superuser\.|(?<!\bor )\bas a superuser\b/i
const HBA_LINE = /^(?:host|hostssl|hostnossl) "/
const SQL_BEGINS = /^(?:--|alter |create |drop |grant |revoke |set |reset |do \$|select |begin;)/
const POOLER_DATABASE = /^(?:[A-Za-z0-9_.-]+|"(?:[^"]|"")*") = host=/
const POOLER_SETTING = /\b(auth_type|client_tls_sslmode|pool_mode) = ([a-z0-9-]+)/g

/** Follows the fix. Throws if its SQL fails, or if it contains nothing to do. */
export async function mend(fix: string, place: Place, owner: Owner): Promise<Mended> {
  const done: string[] = []
  const rows = fix.split('\n')
  const note = (what: string) => void done.push(what)
  const hba = rows.filter(row => HBA_LINE.test(row))
  if (hba.length > 0) {
    await place.putAbove(hba)
    note('pg_hba.conf')
  }
  if (/Renew the server's certificate|into the server's ssl_cert_file/.test(fix) && owner.renew !== undefined) {
    await owner.renew()
    note('certificate')
  }
  const sql = sqlOf(rows)
  let printed = ''
  if (sql !== '') {
    const isSuperuser = ASKS_FOR_SUPERUSER.test(fix)
    const url = isSuperuser ? place.server.adminUrl : place.ownerUrl
    printed = await pasted({ sql: filled(sql, place, owner), fix, url }, place)
    note(isSuperuser ? 'SQL of a superuser' : 'SQL of the owner')
  }
  if (/restore or create it again/.test(fix) && owner.restoreDatabase !== undefined) {
    await owner.restoreDatabase()
    note('database')
  }
  if (place.pooler !== null && (await configured({ ...place, pooler: place.pooler }, rows, owner)))
    note('pgbouncer.ini')
  const attempt = stringOf(fix, { place, owner, printed, sql })
  if (attempt !== place.attempt) note('string')
  return { attempt, done }
}

/** Returns the rows from the first line of SQL on; if any of them is not SQL, psql reports an error. */
function sqlOf(rows: readonly string[]): string {
  const rest = rows.filter(row => !HBA_LINE.test(row) && !POOLER_DATABASE.test(row))
  const first = rest.findIndex(row => SQL_BEGINS.test(row))
  return first < 0 ? '' : rest.slice(first).join('\n')
}

function filled(sql: string, place: Place, { newPassword }: Owner): string {
  const whole = sql
    .replaceAll('<a new password>', newPassword)
    .replaceAll('<the server>', `127.0.0.1 port=${place.server.port}`)
  const [left] = /<[a-z][a-z ]+>/.exec(whole) ?? []
  if (left !== undefined) throw new Error(`the owner does not know ${left}`)
  return whole
}

async function pasted(
  { sql, fix, url }: { readonly sql: string; readonly fix: string; readonly url: string },
  { server, database }: Place,
): Promise<string> {
  const run = () => paste(url, /in another database/i.test(fix) ? 'postgres' : database, `${sql}\n`)
  return sql.includes('pg_reload_conf()') ? reloaded(server, run) : run()
}

async function configured(
  { pooler, ...place }: Place & { readonly pooler: NonNullable<Place['pooler']> },
  rows: readonly string[],
  owner: Owner,
): Promise<boolean> {
  const fix = rows.join('\n')
  const databases = rows.filter(row => POOLER_DATABASE.test(row)).map(row => filled(row, { ...place, pooler }, owner))
  const settings = [...fix.matchAll(POOLER_SETTING)].map(([, name = '', value = '']) => [name, value] as const)
  const isOfUsers = fix.includes('auth_file')
  if (databases.length + settings.length === 0 && !isOfUsers) return false
  pooler.databases.push(...databases)
  for (const [name, value] of settings) pooler.settings.set(name, value)
  for (const [name, value] of Object.entries(owner.files ?? {}))
    if (fix.includes(name)) pooler.settings.set(name, value)
  if (isOfUsers) pooler.users.set(place.login, owner.newPassword)
  await pooler.restart()
  return true
}

interface Read {
  readonly place: Place
  readonly owner: Owner
  /** The output of the SQL. */
  readonly printed: string
  readonly sql: string
}

/** Returns the string that the fix asks for; the previous one if it says nothing about the string. */
function stringOf(fix: string, { place, owner, printed, sql }: Read): Attempt {
  const [, role] = /create role "((?:[^"]|"")+)" login/.exec(sql) ?? []
  const changes: Partial<Attempt>[] = []
  if (role !== undefined) changes.push({ user: role.replaceAll('""', '"') })
  if (sql.includes('<a new password>')) changes.push({ password: owner.newPassword })
  if (/Give the CA|give a current one/.test(fix) && owner.ca !== undefined) changes.push({ caCertificate: owner.ca })
  const parameters = parametersOf(fix, { place, owner })
  if (parameters !== null) changes.push(parameters)
  const [, schema] = /The role may use "([^"]+)"/.exec(fix) ?? []
  if (schema !== undefined) changes.push({ schema })
  const listed = printed.split('\n').find(name => name.toLowerCase() === place.attempt.database.toLowerCase())
  if (/Check the database name/.test(fix) && listed !== undefined) changes.push({ database: listed })
  if (/[Uu]se the host of the primary/.test(fix) && owner.primaryPort !== undefined)
    changes.push({ port: owner.primaryPort })
  return changes.length === 0 ? place.attempt : Object.assign({}, place.attempt, ...changes)
}

/** Returns the host and parameters that the fix names; null if it names none. */
function parametersOf(fix: string, { place, owner }: Pick<Read, 'place' | 'owner'>): Partial<Attempt> | null {
  const { parameters } = place.attempt
  const [, names = ''] = /^The certificate is for (.+?)\. Use one of these names/.exec(fix) ?? []
  const host = owner.hosts?.find(name => names.split(', ').includes(name))
  if (host !== undefined) return { host }
  if (/Use one of these names, or sslmode=verify-ca/.test(fix))
    return { parameters: { ...parameters, sslmode: 'verify-ca' } }
  if (/or leave out channel_binding=require/.test(fix)) {
    const { channel_binding: _, ...others } = parameters
    return { parameters: others }
  }
  if (/Use channel_binding=disable with sslmode=verify-full/.test(fix)) {
    const bound = { channel_binding: 'disable', sslmode: 'verify-full' }
    return { parameters: { ...parameters, ...bound }, ...(owner.ca === undefined ? {} : { caCertificate: owner.ca }) }
  }
  return null
}
