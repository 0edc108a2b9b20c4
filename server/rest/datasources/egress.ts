/**
 * The route for the addresses from which this installation dials, `GET /v1/egress`, which customers admit in their
 * firewalls.
 */
import { z } from 'zod'
import type { Route } from '#server/rest/dialect.ts'
import { strictRoute } from './strict.ts'

const EgressObject = z
  .object({
    object: z.literal('egress').describe('Always `egress`.'),
    addresses: z
      .array(z.string())
      .describe('Addresses or CIDRs of both families; empty if the operator has not set MOORING_EGRESS_ADDRESSES.'),
  })
  .meta({ id: 'Egress', description: 'The addresses from which databases are dialled.' })

/** The routes of this file. */
export const egressRoutes: readonly Route[] = [
  strictRoute({
    method: 'get',
    path: '/v1/egress',
    operationId: 'getEgress',
    summary: 'Read the addresses that databases are dialled from',
    description: "Open a database's firewall for these addresses. Fixes about a firewall name them as well.",
    params: {},
    answers: {
      200: {
        description: 'The addresses.',
        schema: EgressObject,
        example: { object: 'egress', addresses: ['203.0.113.7', '2001:db8::7'] },
      },
    },
    faults: [],
    async run(call) {
      const { addresses } = await call.caller.organization.egress()
      return { status: 200, body: { object: 'egress', addresses } }
    },
  }),
]
