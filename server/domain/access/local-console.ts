/**
 * The console's sign-in on a local installation: the codes shown in the terminal, and the requests that may present
 * one. No other installation has it. `server/api/local` uses it, and `server/standalone/console-sign-in.ts` implements
 * it.
 */

/** The codes shown in the terminal, and the keys issued for them. */
export interface LocalConsole {
  /** The organization that a code signs in to. */
  readonly organizationId: string
  /** Redeems a code: true once, within its five minutes. */
  redeem(code: string): Promise<boolean>
  /** Records a key issued for a code. */
  note(keyId: string): Promise<void>
  /** True if a key is the console's own: its holder sits at this machine. */
  isOwn(keyId: string): Promise<boolean>
}

const LOCAL_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * True for a request from this machine's browser to this machine: `Host` is a loopback name, and so is `Origin`, if
 * present. A page elsewhere whose name resolves to loopback (DNS rebinding) sends its own name in both.
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
