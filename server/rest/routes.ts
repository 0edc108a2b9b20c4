/**
 * Finds the route of a path, as Express would: literal segments in any case, with or without a trailing slash,
 * parameters decoded. It uses a map where Express tries one pattern after the other. It serves nothing; the application
 * calls it.
 */

/** A match: the value that was added for the path, and the parameters. */
export interface RouteMatch<T> {
  readonly entry: T
  readonly params: Readonly<Record<string, string>>
}

interface Pattern<T> {
  readonly segments: readonly string[]
  readonly entry: T
}

/** A map of paths, with `:name` for a parameter, to values. */
export class Routes<T> {
  readonly #literal = new Map<string, T>()
  /** Paths with parameters, by the number of their segments, in insertion order. */
  readonly #patterns = new Map<number, Pattern<T>[]>()

  /** Adds a path. */
  add(path: string, entry: T): void {
    if (!path.includes(':')) {
      this.#literal.set(path, entry)
      return
    }
    const segments = path.split('/')
    const patterns = this.#patterns.get(segments.length) ?? []
    this.#patterns.set(segments.length, patterns)
    patterns.push({ segments, entry })
  }

  /** Finds the entry of a path whose percent-encoding is valid; null if there is none. */
  find(path: string): RouteMatch<T> | null {
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
    const entry = this.#literal.get(plain) ?? this.#literal.get(plain.toLowerCase())
    if (entry !== undefined) return { entry, params: {} }
    const segments = plain.split('/')
    for (const pattern of this.#patterns.get(segments.length) ?? []) {
      const params = paramsOf(pattern.segments, segments)
      if (params !== null) return { entry: pattern.entry, params }
    }
    return null
  }
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  const params: Record<string, string> = {}
  for (let at = 0; at < pattern.length; at += 1) {
    const [wanted = '', given = ''] = [pattern[at], segments[at]]
    if (!wanted.startsWith(':')) {
      if (wanted !== given && wanted !== given.toLowerCase()) return null
    } else if (given === '') return null
    else params[wanted.slice(1)] = given.includes('%') ? decodeURIComponent(given) : given
  }
  return params
}
