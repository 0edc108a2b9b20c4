/**
 * Libsodium, for what seals. Apart from the rest, so that no declaration of the package names its types. Called by the sealing.
 */

/** Libsodium, loaded by the first who seals: a page that never does need not carry it. */
export async function readySodium() {
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  return sodium
}
