/**
 * Distinguishes a browser from a program at `/`, which is a page for the former and an unknown path for the latter.
 * Called by the handlers that have a page.
 */
import type express from 'express'

/**
 * True if the request names `text/html` and prefers nothing else: accepting any type, as every program does, is not
 * enough.
 */
export function wantsPage(request: express.Request): boolean {
  return request.accepts(['application/json', 'text/html']) === 'text/html'
}
