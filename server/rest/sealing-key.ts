/** The route of the sealing key, `GET /v1/sealing_key`: what a caller seals a connection string to. */
import type { Route } from './dialect.ts'

/** The table. */
export const sealingKeyRoutes: readonly Route[] = [
  {
    method: 'get',
    path: '/v1/sealing_key',
    async run(call) {
      const { keyId, key } = await call.caller.organization.sealingKey()
      return { status: 200, body: { key_id: keyId, key } }
    },
  },
]
