/**
 * The address of the console, and the one-time code in the fragment of its first address. Pages are fragments
 * (`#/datasources`), so the console works under any path prefix of a proxy, and no id of a page reaches a server's log.
 */

/** Returns the base address of the installation: the folder that the console was loaded from. */
export function installationUrl(baseUri: string): string {
  return new URL('.', baseUri).href.replace(/\/$/, '')
}

const CODE = /^#code=([A-Za-z0-9_-]{8,128})$/

/**
 * Removes the one-time code from the address and returns it; null if there is none. It leaves no history entry, so the
 * code can no longer be copied, synchronised or sent.
 */
export function takeCode({ location, history }: Pick<Window, 'location' | 'history'>): string | null {
  const code = CODE.exec(location.hash)?.[1] ?? null
  if (location.hash.startsWith('#code=')) history.replaceState(null, '', `${location.pathname}${location.search}`)
  return code
}
