/**
 * Fixes for hosts that are not dialled: the kind of host, and what to use instead, from the host's own text without any
 * look-up. Called by `dial-fixes.ts` and, for a host that is refused before anything is stored, by `api`.
 */
import type { Provider } from '#server/domain/checks/provider.ts'
import { type FailureCode, failureSpec } from '#shared/faults/failure.ts'

const EXTERNAL = 'Give a public name or address.'

/** Kinds of literal addresses and names, by their beginning or end, narrower patterns first. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:127\.|::1$|localhost$|0\.0\.0\.0$|::$)/,
    `It means the machine that connects, which is not yours here. ${EXTERNAL}`,
  ],
  [
    /^host\.docker\.internal$|^gateway\.docker\.internal$/,
    `It is Docker's name for the machine that its containers run on. ${EXTERNAL}`,
  ],
  [
    /^100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|\.ts\.net$|^fd7a:115c:a1e0:/,
    `It belongs to an overlay network such as Tailscale, or to a carrier's network. ${EXTERNAL}`,
  ],
  [/^(?:169\.254\.|fe[89ab][0-9a-f]:)/, `It is a link-local address. ${EXTERNAL}`],
  [
    /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|f[cd][0-9a-f]{2}:)/,
    `It is in a private network. ${EXTERNAL} If this installation is in that network, its operator can open it (MOORING_ALLOWED_NETWORKS).`,
  ],
  [
    /^[^.:]+$/,
    'A name without a dot comes from Docker, Kubernetes or a platform, and works only inside its own network. Use the external connection string that the provider shows.',
  ],
]

/** The setting at each provider that gives a database a public address. */
const PUBLIC_ACCESS: Readonly<Partial<Record<Provider, string>>> = {
  rds: 'Make the instance publicly accessible (Modify, Connectivity), in a subnet with an internet gateway.',
  azure: 'A server with private access (VNet integration) has none: use one with public access, behind its firewall.',
  cloudsql: 'Give the instance a public IP (Connections, Networking), and use that.',
}

/** The fix for a name whose addresses may not be dialled: most belong to a private network. */
export function resolvedFix({ host, provider }: { readonly host: string; readonly provider: Provider }): string {
  const kind = kindOf(host)
  if (kind !== null) return kind
  const open =
    PUBLIC_ACCESS[provider] ?? 'Use the external host that the provider shows, or give the server a public address.'
  return `The name resolves to an address that is not publicly routable, such as one in a private network. ${open}`
}

/** The fix of a refused host, by its kind if that is known. */
export function placeFix(code: FailureCode, host: string): string {
  return code === 'port_refused' ? failureSpec(code).fix : (kindOf(host) ?? failureSpec(code).fix)
}

function kindOf(host: string): string | null {
  return KINDS.find(([pattern]) => pattern.test(host.toLowerCase()))?.[1] ?? null
}
