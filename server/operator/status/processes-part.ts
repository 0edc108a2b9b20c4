/**
 * Web and worker processes in `status`: those that wrote their row recently, their releases, and whether they agree.
 * Pure.
 */

import type { SeenProcess } from '#server/store/installation/processes.ts'
import { counted } from '#shared/base/counted.ts'
import { roundedDuration, type StatusPart } from './report.ts'

/** The input for the processes part. */
export interface Seen {
  readonly all: readonly SeenProcess[]
  /** The database's time. */
  readonly now: Date
  /** This command's release. */
  readonly version: string
}

const START = {
  web: 'No web process has written its row within 15 s: callers are not served. Start one: npm run web.',
  worker:
    'No worker has written its row within 15 s: registrations are acknowledged and wait. Start one: npm run worker; the last ' +
    'lines of its log say why it ended.',
} as const

/** The part of one tier. */
export function processesPart(kind: 'web' | 'worker', seen: Seen): StatusPart {
  const own = seen.all.filter(one => one.kind === kind)
  const [up, gone] = [own.filter(one => one.isSeen), own.filter(one => !one.isSeen)]
  const versions = [...new Set(up.map(one => one.version))].toSorted()
  const first = up[0]
  const since =
    first === undefined ? '' : `, the longest for ${roundedDuration(seen.now.getTime() - first.startedAt.getTime())}`
  return {
    name: kind,
    message:
      up.length === 0 ? 'none runs' : `${counted(up.length, 'process', 'processes')} of ${versions.join(', ')}${since}`,
    troubles: [
      ...(up.length === 0 ? [START[kind]] : []),
      ...goneTrouble(gone, seen.now),
      ...releaseTrouble(versions, seen.version),
      ...(kind === 'worker' ? networkTrouble(seen.all) : []),
    ],
    facts: { processes: own.map(displayed) },
  }
}

function goneTrouble(gone: readonly SeenProcess[], now: Date): string[] {
  const [first] = gone.toSorted((a, b) => b.seenAt.getTime() - a.seenAt.getTime())
  if (first === undefined) return []
  const ago = roundedDuration(now.getTime() - first.seenAt.getTime())
  const many = counted(gone.length, 'process has', 'processes have')
  return [
    `${many} written nothing since ${ago} ago, and did not stop in order: killed, frozen, or without the database.`,
  ]
}

function releaseTrouble(versions: readonly string[], own: string): string[] {
  const others = versions.filter(version => version !== own)
  if (others.length === 0) return []
  return [
    `Release ${others.join(' and ')} is running, and this command is from ${own}: finish the upgrade of every process.`,
  ]
}

function networkTrouble(all: readonly SeenProcess[]): string[] {
  const up = all.filter(one => one.isSeen && one.openNetworks !== null)
  const networks = new Map<string, Set<string>>()
  for (const { kind, openNetworks } of up) {
    const kinds = networks.get(openNetworks ?? '') ?? new Set()
    networks.set(openNetworks ?? '', kinds.add(kind))
  }
  if (networks.size < 2) return []
  const listed = [...networks].map(([open, kinds]) => `${[...kinds].join(' and ')}: ${open === '' ? 'none' : open}`)
  return [`MOORING_ALLOWED_NETWORKS must be the same on all processes (${listed.join('; ')}).`]
}

function displayed({ kind: _, openNetworks, startedAt, seenAt, isSeen, version }: SeenProcess) {
  const networks = openNetworks === null ? null : openNetworks.split(',').filter(one => one !== '')
  return { version, up: isSeen, startedAt, seenAt, allowedNetworks: networks }
}
