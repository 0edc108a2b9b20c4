/**
 * Tells a browser from a program at `/`, which is a page for the one and a path that is not there for the other.
 * Called by the handlers that have a page.
 */
import type express from 'express'

/** True where the request names `text/html` and likes nothing better: any type at all, which every program takes, is not enough. */
export function wantsPage(request: express.Request): boolean {
  return request.accepts(['application/json', 'text/html']) === 'text/html'
}
