/**
 * From where an installation dials, for the firewalls of its customers.
 */
import { z } from 'zod'

/** IPv4 and IPv6 addresses, or CIDRs; empty where the operator has said nothing. */
export const Egress = z.object({ addresses: z.array(z.string()) })
export type Egress = z.output<typeof Egress>
