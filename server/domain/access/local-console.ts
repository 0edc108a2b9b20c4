/**
 * The console's sign-in of a local installation: what lends it the codes of the terminal, and which requests may bring one. No
 * other installation has it. `server/api/local` asks, and `server/standalone/console-sign-in.ts` is the one there is.
 */

/** The codes of the terminal, and the keys that they were exchanged for. */
export interface LocalConsole {
  /** The organization that a code signs in to. */
  readonly organizationId: string
  /** Spends a code: true once, within its five minutes. */
  redeem(code: string): Promise<boolean>
  /** Notes a key that a code was exchanged for. */
  note(keyId: string): Promise<void>
  /** Whether a key is the console's own: whoever has it sits at this machine. */
  isOwn(keyId: string): Promise<boolean>
}

const LOCAL_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * True for a request of this machine's browser to this machine: its `Host` is a name of loopback, and its `Origin`, if it has
 * one, as well. A page elsewhere whose name leads here (DNS rebinding) has its own name in both.
 */
export function isOfThisMachine(headers: {
  readonly host: string | undefined
  readonly origin: string | undefined
}): boolean {
  const { host, origin } = headers
  if (host === undefined || !LOCAL_NAMES.has(host.replace(/:\d{1,5}$/, '').toLowerCase())) return false
  if (origin === undefined) return true
  return URL.canParse(origin) && LOCAL_NAMES.has(new URL(origin).hostname)
}
