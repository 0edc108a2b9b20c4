/**
 * API keys and capabilities: their ids, and what they may be granted.
 * What a token looks like is in `token.ts`.
 */
import { z } from 'zod'
import { idOf } from '#shared/base/wire.ts'

/** What a capability may name. */
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
/** One of them. */
export const Operation = z.enum(OPERATIONS)
export type Operation = z.infer<typeof Operation>

/** What an API key may have: every operation, and the organization's own affairs. */
export const Scope = z.enum([...OPERATIONS, 'organization.read', 'organization.write'])
export type Scope = z.infer<typeof Scope>

/** A new key has every scope but `datasources.lease`, which only an operator's command grants. */
export const DEFAULT_SCOPES: readonly Scope[] = Scope.options.filter(scope => scope !== 'datasources.lease')

/** The id of an API key. */
export const KeyId = idOf('key_')
/** The id of a capability. */
export const CapabilityId = idOf('cap_')
export type CapabilityId = z.infer<typeof CapabilityId>
