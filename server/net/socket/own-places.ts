/**
 * Places of our own that no customer's string may lead to: the server of our own database, and the ports on which we
 * listen. Opened networks do not open these. They are compared after resolution, as numeric addresses; our own names
 * are resolved in the same way as our own driver resolves them. Called by `dial.ts`.
 */
import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import { addressesMeant } from '#server/domain/network/address.ts'
import type { OwnPlace } from '#server/domain/network/host-policy.ts'

/** The destination of a dial. Without a `database` it is not a PostgreSQL session. */
export interface DialledPlace {
  readonly addresses: readonly string[]
  readonly port: number
  readonly database?: string
}

/** True if one of the addresses is ours. If one of our own names cannot be resolved, it may be any of them: true. */
export async function isOwnPlace(place: DialledPlace, own: readonly OwnPlace[]): Promise<boolean> {
  const near = own.filter(({ port, database }) => {
    const isOther = database !== null && place.database !== undefined && place.database !== database
    return port === place.port && !isOther
  })
  if (near.length === 0) return false
  const meant = place.addresses.flatMap(addressesMeant)
  const found = await Promise.all(near.map(({ host }) => addressesOf(host)))
  return found.some(addresses => addresses === null || overlaps(meant, addresses))
}

async function addressesOf(host: string): Promise<string[] | null> {
  try {
    const found = await lookup(host, { all: true })
    return found.flatMap(({ address }) => addressesMeant(address))
  } catch {
    return null
  }
}

/** A machine has many addresses: if one of our places is on this machine, all of the machine's addresses are ours. */
function overlaps(meant: readonly string[], ours: readonly string[]): boolean {
  if (meant.some(address => ours.includes(address))) return true
  return ours.some(isHere) && meant.some(isHere)
}

function isHere(address: string): boolean {
  if (address.startsWith('127.') || ['::1', '0.0.0.0', '::'].includes(address)) return true
  const here = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return here.some(one => addressesMeant(one.address.split('%')[0] ?? '').includes(address))
}
