/**
 * The caller, and their organization's usage and quotas: the answers of `organization.current` and
 * `organization.usage`.
 */
import { z } from 'zod'
import { idOf, Mode, Timestamp } from '#shared/base/wire.ts'
import { CapabilityId, KeyId, Scope } from './credential.ts'

/** The caller: an API key or a capability. `name` is the key's name, or null. */
const Caller = z.object({
  kind: z.enum(['key', 'capability']),
  id: z.union([KeyId, CapabilityId]),
  name: z.string().nullable(),
  mode: Mode,
  scopes: z.array(Scope),
  expiresAt: Timestamp.nullable(),
})

/**
 * Answer of `organization.current`. `isLocal` is true for a key that the console of a local installation created for
 * itself.
 */
export const Current = z.object({
  organization: z.object({ id: idOf('org_'), name: z.string() }),
  principal: Caller,
  isLocal: z.boolean(),
})
export type Current = z.output<typeof Current>

const Share = z.object({ used: z.number().int(), max: z.number().int() })

/** Answer of `organization.usage`: current counts with their quotas, and rate limits as calls per window. */
export const Usage = z.object({
  datasources: Share,
  keys: Share,
  capabilities: Share,
  rates: z.object({ windowSeconds: z.number(), perKey: z.number().int(), perOrganization: z.number().int() }),
  checkIntervalSeconds: z.number().int(),
  rolePolicy: z.enum(['strict', 'enforce', 'warn', 'off']),
})
export type Usage = z.output<typeof Usage>
