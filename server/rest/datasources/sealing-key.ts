/**
 * The route of the sealing key, `GET /v1/sealing_key`, to which callers seal connection strings. Only the worker can
 * open boxes sealed to it.
 */
import { z } from 'zod'
import type { Route } from '#server/rest/dialect.ts'
import { IDS } from '#server/rest/openapi/examples.ts'
import { SealingKey } from '#shared/access/sealing.ts'
import { strictRoute } from './strict.ts'

const SealingKeyObject = z
  .object({
    key_id: SealingKey.shape.keyId.describe('Goes back with what is sealed to the key.'),
    key: SealingKey.shape.key.describe("The organization's current X25519 public key: base64 of 32 bytes."),
  })
  .meta({ id: 'SealingKey', description: 'The public key to which connection strings may be sealed.' })

/** The routes of this file. */
export const sealingKeyRoutes: readonly Route[] = [
  strictRoute({
    method: 'get',
    path: '/v1/sealing_key',
    operationId: 'getSealingKey',
    summary: 'Read the key to seal to',
    description: 'Seal a connection string to it with `crypto_box_seal`, and our web tier never sees the string.',
    params: {},
    answers: {
      200: {
        description: 'The key.',
        schema: SealingKeyObject,
        example: { key_id: IDS.uuid, key: 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=' },
      },
    },
    faults: [],
    async run(call) {
      const { keyId, key } = await call.caller.organization.sealingKey()
      return { status: 200, body: { key_id: keyId, key } }
    },
  }),
]
