/**
 * The addresses from which an installation
 * dials, for customers' firewalls.
 */
import { z } from 'zod'

/** IPv4 and IPv6 addresses or CIDR ranges; empty if the operator has configured none. */
export const Egress = z.object({ addresses: z.array(z.string()) })
export type Egress = z.output<typeof Egress>
