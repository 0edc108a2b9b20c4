/**
 * Loads libsodium for sealing. It has a file of its own so that no declaration in the package mentions its types.
 * Called by the sealing.
 */

/** Loads libsodium on first use: a page that never seals does not need it. */
export async function readySodium() {
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  return sodium
}
