/**
 * Waits until a socket takes more bytes. Hostile servers use it, so that they hold no large answer in memory.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'

/** Resolves when the socket has drained or is closed, and leaves no listener on it. */
export async function drained(socket: Socket): Promise<void> {
  const settled = new AbortController()
  const options = { signal: settled.signal }
  const events = ['drain', 'close'].map(name => once(socket, name, options))
  await Promise.race(events)
  settled.abort()
  await Promise.allSettled(events)
}
