/**
 * The state machine of a credential: one total table, the same for connection strings and signing keys. `retired` has no way back:
 * its bytes are destroyed. Pure; the worker asks it after each check.
 */
import type { Verification } from '#server/domain/checks/verification.ts'

/** The state of a credential: submitted and not tried yet, in force, or destroyed. */
export type CredentialState = 'pending' | 'current' | 'retired'

/**
 * The events of a credential: a check of it ends, the comparison finds it equal to the one in force, another one takes its place, or its
 * datasource is removed.
 */
export type CredentialEvent = Verification['outcome'] | 'equal' | 'replaced' | 'removed'

/**
 * Every state and everything that can happen in it. One in force stays so whatever a check finds: the datasource's status tells of
 * it. A refused one that is to take its place never does.
 */
export const CREDENTIAL_TRANSITIONS: Readonly<
  Record<CredentialState, Readonly<Record<CredentialEvent, CredentialState>>>
> = {
  pending: {
    passed: 'current',
    refused: 'retired',
    unreachable: 'pending',
    equal: 'retired',
    replaced: 'retired',
    removed: 'retired',
  },
  current: {
    passed: 'current',
    refused: 'current',
    unreachable: 'current',
    equal: 'current',
    replaced: 'retired',
    removed: 'retired',
  },
  retired: {
    passed: 'retired',
    refused: 'retired',
    unreachable: 'retired',
    equal: 'retired',
    replaced: 'retired',
    removed: 'retired',
  },
}
