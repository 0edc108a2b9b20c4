/**
 * Runs one misconfiguration from beginning to end: apply, register,
 * check, repair with the printed fix, register again.
 */
import type { Client } from '#client/index.ts'
import { type Attempt, connectionStringOf } from './attempt.ts'
import type { Outcome } from './document.ts'
import type { Misconfiguration } from './misconfiguration.ts'
import { accessOf } from './neighbour.ts'
import type { Place } from './place.ts'
import { mend, type Owner } from './robot.ts'
import { placeFor, type Scene } from './scene.ts'

const WAIT_SECONDS = 30

type Registered = Awaited<ReturnType<Client['datasources']['get']['query']>>

/** Runs a misconfiguration. Throws if the scene itself fails. */
export async function tryFix(scene: Scene, misconfiguration: Misconfiguration, number: number): Promise<Outcome> {
  await using cleanup = new AsyncDisposableStack()
  const made = await placeFor(scene, misconfiguration, { number, cleanup })
  await misconfiguration.breaks?.(made)
  const attempt: Attempt = { ...made.attempt, ...(await misconfiguration.attempt?.(made)) }
  const place: Place = { ...made, attempt }
  const organization = await scene.mooring.newOrganization(`Of ${number}`)
  const client = scene.mooring.client(organization.testKey)
  const before = await accessOf(place)
  const first = await client.datasources.register.mutate({ ...asked(attempt), schema: attempt.schema, ...wait })
  const said = saidOf(first, misconfiguration)
  const wrong = misnamed(misconfiguration, said)
  const owner: Owner = {
    newPassword: `A-new-one-of-${number}`,
    files: scene.poolerFiles,
    ...misconfiguration.owner?.(place),
  }
  const { end, done } = await mended({ client, first, place, owner, said }).catch((error: Error) => {
    wrong.push(error.message)
    return { end: 'broken off', done: [] }
  })
  if ((end === 'active') !== (misconfiguration.stays === undefined)) wrong.push(`it ends as ${end}`)
  const after = await accessOf(place)
  wrong.push(...before.filter(line => !after.includes(line)).map(line => `lost: ${line}`))
  await place.restore()
  const shown = { ...said, actual: unnumbered(said.actual, place), fix: unnumbered(said.fix, place) }
  return {
    of: misconfiguration,
    ...shown,
    done,
    end: misconfiguration.stays === undefined ? end : `unchanged: ${misconfiguration.stays}`,
    wrong,
  }
}

interface Said {
  readonly reason: string
  readonly item: string
  readonly actual: string
  readonly fix: string
}

/** Returns the failed line; if it is not a failure, the advisory that the row is about. */
function saidOf({ checks, advisories, status, statusReason }: Registered, { says }: Misconfiguration): Said {
  const failed = checks.find(({ outcome }) => outcome === 'fail')
  const advised = advisories.find(({ item }) => item === says.item)?.recommendation ?? ''
  if (failed === undefined && status === 'active')
    return { reason: status, item: advised === '' ? '' : says.item, actual: advised, fix: advised }
  return { reason: statusReason ?? '', item: failed?.item ?? '', actual: failed?.actual ?? '', fix: failed?.fix ?? '' }
}

const wait = { waitSeconds: WAIT_SECONDS }

function asked(attempt: Attempt) {
  const { caCertificate } = attempt
  return { connectionString: connectionStringOf(attempt), ...(caCertificate === null ? {} : { caCertificate }) }
}

interface ToMend {
  readonly client: Client
  readonly first: Registered
  readonly place: Place
  readonly owner: Owner
  readonly said: Said
}

async function mended({
  client,
  first,
  place,
  owner,
  said,
}: ToMend): Promise<{ end: string; done: readonly string[] }> {
  const { attempt, done } = await mend(said.fix, place, owner)
  const { id } = first
  const { datasources } = client
  if (attempt.schema !== place.attempt.schema) await datasources.update.mutate({ id, schema: attempt.schema })
  const isSame = JSON.stringify(asked(attempt)) === JSON.stringify(asked(place.attempt))
  const again = isSame
    ? await datasources.verify.mutate({ id, ...wait })
    : await datasources.rotate.mutate({ id, ...asked(attempt), allowMove: true, ...wait })
  if (said.reason === 'active' && again.advisories.some(({ item }) => item === said.item))
    return { end: `${again.status}, and advised as before`, done }
  if (again.status === 'active') return { end: 'active', done }
  const why = await datasources.validate.mutate({ ...asked(attempt), schema: attempt.schema })
  return { end: `${again.status} (${why.failures.map(({ item, actual }) => `${item}: ${actual}`).join('; ')})`, done }
}

function misnamed({ says }: Misconfiguration, said: Said): string[] {
  return [
    ...(said.reason === says.reason ? [] : [`the reason is ${said.reason}, not ${says.reason}`]),
    ...(said.item === says.item ? [] : [`the line is ${said.item}, not ${says.item}`]),
    ...(said.actual.includes(says.cause) ? [] : [`"${said.actual}" does not name the cause: ${says.cause}`]),
    ...(says.fix ?? []).filter(text => !said.fix.includes(text)).map(text => `the fix lacks "${text}": ${said.fix}`),
  ]
}

/** Returns a text that is the same in every run: names without their numbers, and no ports or dates. */
function unnumbered(text: string, { login, neighbour, owner, database, server, pooler }: Place): string {
  const names = [login, neighbour, owner, database, database.toUpperCase()]
  const tag = login.slice(login.lastIndexOf('_'))
  const bare = names.reduce((whole, name) => whole.replaceAll(name, name.slice(0, -tag.length)), text)
  const ports = [server.port, pooler?.port].filter(port => port !== undefined)
  return ports
    .reduce((whole, port) => whole.replaceAll(`${port}`, '5432'), bare)
    .replace(/\b20\d\d-\d\d-\d\d\b/g, '2026-01-31')
    .replaceAll(new RegExp(`${tag}\\b`, 'g'), '')
}
