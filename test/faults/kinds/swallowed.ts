/**
 * The path to our own server becomes a black hole (`black-hole.ts`):
 * packets are lost, and no connection is closed.
 */

import { type Fault, UNANSWERED_SECONDS } from '#test/faults/fault.ts'
import { openWay, type Way } from './black-hole.ts'

/** Returns the fault, whose scene opens the path. */
export function swallowed(): Fault {
  let way: Way | null = null
  return {
    name: 'black hole',
    withinSeconds: 20,
    isUnready: true,
    lastsSeconds: 24,
    feltAfterSeconds: UNANSWERED_SECONDS,
    scene: async () => ({
      async between(server, cleanup) {
        const opened = await openWay(server.port)
        way = opened
        cleanup.defer(() => opened.close())
        return url => ({ DATABASE_URL: url.replace(`:${server.port}/`, `:${opened.port}/`) })
      },
    }),
    async begin() {
      way?.swallow()
      return async () => way?.open()
    },
  }
}
