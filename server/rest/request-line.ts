/**
 * From the first line of a request to its route: what is wrong with its size, its Host or its URL, and the route of its
 * path, found as Express would: literal segments in any case, with or without a trailing slash, parameters decoded. A
 * map finds it where Express tries one pattern after the other.
 *
 * It serves and refuses nothing; the application calls it.
 */
import type express from 'express'
import { Fault } from '#shared/faults/fault.ts'

/** The maximum number of request headers. */
export const MAX_HEADERS = 100

/** The longest URL, in characters. */
export const MAX_URL_LENGTH = 8_192

/** A reason to refuse a request before its route is looked for. */
export interface WrongRequest {
  readonly fault: Fault
  /** Set if HTTP has a better status than the fault's own. */
  readonly status?: number
  /** True if the connection ends with it: the rest of its data may be meant for another reader. */
  readonly isLast?: boolean
}

/** The first check of a request: its size, its Host, and misplaced keys. Null if nothing is wrong. */
export function wrongIn(request: express.Request): WrongRequest | null {
  const { originalUrl: url, rawHeaders } = request
  if (url.length > MAX_URL_LENGTH) return { fault: new Fault('payload_too_large'), status: 414, isLast: true }
  if (rawHeaders.length > 2 * MAX_HEADERS) return { fault: new Fault('payload_too_large'), status: 431, isLast: true }
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === 'host') hosts += 1
  // Node keeps the first of two; a proxy in front may have used the other (RFC 9112, 3.2).
  if (hosts > 1) return { fault: wrongHost('duplicate', 'A request must have exactly one Host header.'), isLast: true }
  if (request.httpVersion === '1.1' && hosts === 0)
    return { fault: wrongHost('missing', 'HTTP/1.1 requires a Host header.') }
  // Keys travel only in headers: a URL ends up in logs, histories and referrers.
  return /(?<![a-z0-9])[sr]k_(live|test)_|connectionParams/i.test(url.includes('%') ? unescaped(url) : url)
    ? { fault: new Fault('invalid_request') }
    : null
}

function wrongHost(code: string, message: string): Fault {
  return new Fault('invalid_request', { issues: [{ path: ['Host'], code, message }] })
}

/** A URL with its percent-encoding decoded, as later parsers decode it. */
function unescaped(url: string): string {
  return url.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** A URL whose path can be decoded: invalid percent-encoding stands for itself, and names an unknown id like any other. */
export function decodableUrl(url: string): string {
  const [path = '', ...query] = url.split('?')
  return path.includes('%') && !isDecodable(path) ? [path.replaceAll('%', '%25'), ...query].join('?') : url
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

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
