/**
 * The console at `/`, and its files under `/assets/`. It is an ordinary page: it calls `/trpc` with its user's key and
 * has no special access. If it is not built, and for every other path, the request goes to the next handler.
 */
import express from 'express'
import helmet from 'helmet'
import { noteServed } from '#server/rest/http/observed-request.ts'
import { wantsPage } from '#server/rest/http/wants-page.ts'
import type { BuiltConsole, BuiltFile, BuiltFiles } from './built-files.ts'

/**
 * Scripts and styles only from these files, connections only to this server. `wasm-unsafe-eval` allows compiling
 * libsodium, which seals; it does not allow creating a script from text.
 */
const POLICY = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
})

/** A file with its hash in its name never changes. */
const FOREVER = 'public, max-age=31536000, immutable'
const ASKED_EACH_TIME = 'no-cache'

/** The routes. */
export function consolePages(built: BuiltConsole, otherMethod: express.Handler): express.Router {
  const router = express.Router({ strict: true, caseSensitive: true })
  const serve =
    (
      pick: (files: BuiltFiles, request: express.Request) => BuiltFile | undefined,
      isHashed: boolean,
    ): express.Handler =>
    async (request, response, next) => {
      const files = await built.files()
      const file = files === null ? undefined : pick(files, request)
      if (file === undefined) return next()
      noteServed(response, { surface: 'none', route: isHashed ? 'GET /assets/{file}' : 'GET /' })
      if (request.method !== 'GET' && request.method !== 'HEAD') return otherMethod(request, response, next)
      response.set('Cache-Control', isHashed ? FOREVER : ASKED_EACH_TIME)
      return POLICY(request, response, () => send(request, response, file))
    }
  router.all(
    '/',
    serve((files, request) => (wantsPage(request) ? files.get('index.html') : undefined), false),
  )
  router.all(
    '/assets/:file',
    serve((files, request) => files.get(`assets/${String(request.params['file'])}`), true),
  )
  return router
}

/** Sends the smallest variant that the browser accepts; sends nothing to a browser that has the file. */
function send(request: express.Request, response: express.Response, file: BuiltFile): void {
  response.vary('Accept-Encoding').set({ ETag: file.tag, 'Content-Type': file.type })
  if (request.headers['if-none-match'] === file.tag) {
    response.status(304).end()
    return
  }
  const taken = request.acceptsEncodings('br', 'gzip', 'identity')
  if (taken === 'br' && file.brotli !== null) response.set('Content-Encoding', 'br').end(file.brotli)
  else if (taken !== 'identity' && taken !== false && file.gzip !== null && request.acceptsEncodings('gzip') === 'gzip')
    response.set('Content-Encoding', 'gzip').end(file.gzip)
  else response.end(file.body)
}
