/**
 * The console's sign-in on the machine that runs a local installation: the console exchanges a code from the terminal
 * for a key of its own. Installations with `DATABASE_URL` do not have this.
 */
import { z } from 'zod'
import { Timestamp } from '#shared/base/wire.ts'
import { KeyId } from './credential.ts'

/** The name under which the console's keys appear in the list of keys. */
export const CONSOLE_KEY_NAME = 'console'

/** Input of `local.signIn`. */
export const LocalSignInInput = z.strictObject({ code: z.string().min(1).max(128) })

/** Answer of `local.signIn`: the key is shown only here. */
export const LocalSignIn = z.object({ key: z.string(), keyId: KeyId, expiresAt: Timestamp })
export type LocalSignIn = z.output<typeof LocalSignIn>
