/**
 * The console's sign-in on the machine where a local installation runs: a code from the terminal for a key of its own.
 * Nothing of it exists where `DATABASE_URL` is set.
 */
import { z } from 'zod'
import { Timestamp } from '#shared/base/wire.ts'
import { KeyId } from './credential.ts'

/** The name of the console's keys in the list of keys. */
export const CONSOLE_KEY_NAME = 'console'

/** Input of `local.signIn`. */
export const LocalSignInInput = z.strictObject({ code: z.string().min(1).max(128) })

/** Answer of `local.signIn`: the key is shown only here. */
export const LocalSignIn = z.object({ key: z.string(), keyId: KeyId, expiresAt: Timestamp })
export type LocalSignIn = z.output<typeof LocalSignIn>
