/**
 * Where the console is, and the one-time code in the fragment of its first address. Pages are fragments (`#/datasources`),
 * so that the console works below any prefix of a proxy, and no id of a page reaches a server's log.
 */

/** The installation's base address: the folder that the console was loaded from. */
export function installationUrl(baseUri: string): string {
  return new URL('.', baseUri).href.replace(/\/$/, '')
}

const CODE = /^#code=([A-Za-z0-9_-]{8,128})$/

/**
 * Takes the one-time code out of the address, at once and without an entry in the history: whatever happens next, it is no
 * longer there to be copied, synchronised or sent.
 */
export function takeCode({ location, history }: Pick<Window, 'location' | 'history'>): string | null {
  const code = CODE.exec(location.hash)?.[1] ?? null
  if (location.hash.startsWith('#code=')) history.replaceState(null, '', `${location.pathname}${location.search}`)
  return code
}
