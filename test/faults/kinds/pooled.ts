/**
 * A restart of our own server behind PgBouncer:
 * in session mode, and in transaction mode as documented.
 */

import type { Fault } from '#test/faults/fault.ts'
import { hasPgBouncer, startPgBouncer } from '#test/support/database/pgbouncer.ts'

/** Returns the fault for a pool mode. */
export function pooled(mode: 'session' | 'transaction'): Fault {
  return {
    name: `server restarted behind PgBouncer, ${mode} mode`,
    withinSeconds: 30,
    lastsSeconds: 3,
    leftOut: async () => (hasPgBouncer ? null : 'PgBouncer is not installed (Debian: pgbouncer)'),
    scene: async () => ({
      async between(server, cleanup, { roleUrl }) {
        const settings = { default_pool_size: mode === 'session' ? '25' : '5', server_login_retry: '1' }
        const logins = [roleUrl.web, roleUrl.worker]
        const pooler = await startPgBouncer({ server: server.url(), mode, logins, settings })
        cleanup.defer(() => pooler.stop())
        const around = (url: string) => (mode === 'transaction' ? { MOORING_LISTEN_URL: url } : {})
        return url => ({ DATABASE_URL: pooler.through(url), ...around(url) })
      },
    }),
    async begin({ server }) {
      await server.stop()
      return () => server.start()
    },
  }
}
