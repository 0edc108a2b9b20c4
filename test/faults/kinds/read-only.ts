/**
 * Our own database refuses every change:
 * an operator's setting, as on a server that was demoted.
 */

import type { Fault } from '#test/faults/fault.ts'
import { query } from '#test/support/database/postgres.ts'

/** The fault. */
export const readOnly: Fault = {
  name: 'read-only',
  withinSeconds: 20,
  isUnready: true,
  lastsSeconds: 18,
  async begin({ server }) {
    const set = (value: string) =>
      query(server.url(), `alter system set default_transaction_read_only = ${value}`).then(() =>
        query(server.url(), 'select pg_reload_conf()'),
      )
    await set('on')
    return async () => void (await set('off'))
  },
}
