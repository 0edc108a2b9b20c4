/**
 * Checks that an installation works: through each web process a datasource is registered and verified, another one is
 * registered, and every subscriber receives it.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Scene } from './scene.ts'

const LOOK_MS = 50
const TOLD_MS = 3_000
const VERDICT_SECONDS = 5
const AGAIN_MS = 200

/** The organizations that must be served: the one under writes, too, or another one alone. */
export type Served = 'everyone' | 'others'

/** Checks repeatedly, and returns the seconds until it worked; null when that took longer. */
export async function untilBack(
  scene: Scene,
  withinSeconds: number,
  served: Served = 'everyone',
): Promise<number | null> {
  const startedAt = performance.now()
  const over = () => performance.now() - startedAt > withinSeconds * 1_000
  const each = scene.urls.map(async (_, at) => {
    while (!over()) {
      if (await isThere(scene, at, served)) return true
      await wait(AGAIN_MS)
    }
    return false
  })
  const isBack = (await Promise.all(each)).every(Boolean)
  return isBack ? (performance.now() - startedAt) / 1_000 : null
}

async function isThere(scene: Scene, at: number, served: Served): Promise<boolean> {
  const [isVerified, isTold] = await Promise.all([verified(scene, at), served === 'others' || reported(scene, at)])
  return isVerified && isTold
}

async function verified({ probes, customer }: Scene, at: number): Promise<boolean> {
  const connectionString = customer.url('reader', { parameters: `application_name=probe_${randomUUID()}` })
  const made = await probes[at]?.datasources.register
    .mutate(
      { connectionString, waitSeconds: VERDICT_SECONDS },
      { signal: AbortSignal.timeout(2_000 * VERDICT_SECONDS) },
    )
    .catch(() => null)
  return made?.status === 'active'
}

async function reported({ load, urls, watchers }: Scene, at: number): Promise<boolean> {
  const id = await load.once(urls[at] ?? '')
  if (id === null) return false
  const until = performance.now() + TOLD_MS
  while (performance.now() < until) {
    if (watchers.every(watcher => watcher.heard.has(id))) return true
    await wait(LOOK_MS)
  }
  return false
}
