/**
 * Decisions about leases: which public keys are accepted, and the TLS mode with which a leased string must be dialled.
 * Pure; used by the web tier and the worker.
 */
import type { Target } from '#shared/connection-string/connection-string.ts'

const P = 2n ** 255n - 19n

/** The u-coordinates of order 1, 2, 4 and 8, on the curve and on its twist (Bernstein, "Curve25519"; RFC 7748 §5 and §6.1). */
const LOW_ORDER: readonly bigint[] = [
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
]

/**
 * True for an X25519 public key that is safe to seal to: 32 bytes, not a point of low order. For such a point everyone
 * knows the shared secret, so that anyone could open the box.
 */
export function isUsablePublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false
  let u = 0n
  for (const byte of [...bytes].reverse()) u = (u << 8n) | BigInt(byte)
  // The top bit is ignored, and values of p or more are reduced modulo p (RFC 7748 §5).
  return !LOW_ORDER.includes((u & (2n ** 255n - 1n)) % P)
}

/**
 * The target as the lease's holder must dial it: `allow` and `prefer` are replaced with their meaning for this host,
 * since the holder does not know which networks are open here. Null for `disable` if clear text is not allowed.
 */
export function leasedTarget(target: Target, openNetwork: boolean): Target | null {
  const { tlsMode } = target
  if (tlsMode === 'disable') return openNetwork ? target : null
  if (tlsMode !== 'allow' && tlsMode !== 'prefer') return target
  return { ...target, tlsMode: openNetwork ? 'prefer' : 'require' }
}
