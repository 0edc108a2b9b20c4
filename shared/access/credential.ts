/**
 * API keys and capabilities: their ids and scopes.
 * `token.ts` has the form of a token.
 */
import { z } from 'zod'
import { idOf } from '#shared/base/wire.ts'

/** The operations that a capability may name. */
export const OPERATIONS = [
  'datasources.read',
  'datasources.create',
  'datasources.update',
  'datasources.remove',
  'datasources.introspect',
  'datasources.lease',
  'feeds.read',
  'feeds.write',
] as const
/** One operation. */
export const Operation = z.enum(OPERATIONS)
export type Operation = z.infer<typeof Operation>

/** The scopes of an API key: every operation, plus reading and administering the organization itself. */
export const Scope = z.enum([...OPERATIONS, 'organization.read', 'organization.write'])
export type Scope = z.infer<typeof Scope>

/** The scopes of a new key: all but `datasources.lease`, which only an operator's command grants. */
export const DEFAULT_SCOPES: readonly Scope[] = Scope.options.filter(scope => scope !== 'datasources.lease')

/** The id of an API key. */
export const KeyId = idOf('key_')
/** The id of a capability. */
export const CapabilityId = idOf('cap_')
export type CapabilityId = z.infer<typeof CapabilityId>
