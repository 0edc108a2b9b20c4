/**
 * The state machine of a credential, as one total table, shared by connection strings and signing keys. `retired` is
 * final: the bytes are destroyed. The row of a pending one that is replaced becomes that of the next one. Pure; the
 * worker applies it after each check.
 */
import type { Verification } from '#server/domain/checks/verification.ts'

/** The state of a credential: submitted and not yet tried, in force, or destroyed. */
export type CredentialState = 'pending' | 'current' | 'retired'

/**
 * The events of a credential: its check ends, the comparison finds it equal to the current one, another one replaces
 * it, or its datasource is removed.
 */
export type CredentialEvent = Verification['outcome'] | 'equal' | 'replaced' | 'removed'

/**
 * Every state and its response to every event. A current credential stays current whatever a check finds; the
 * datasource's status reports the result. A refused pending one never becomes current.
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
