/**
 * `/openapi.json`, and the pages: the reference, the guide, the faults that errors link to, and `/` for a person. They
 * run no script and load nothing except their style. The guide and the faults are also available as Markdown, for
 * `/llms.txt`.
 */
import express from 'express'
import helmet from 'helmet'
import { noteServed } from '#server/rest/http/observed-request.ts'
import { wantsPage } from '#server/rest/http/wants-page.ts'
import { type Documentation, openApiDocument } from '#server/rest/openapi/openapi.ts'
import { STYLE } from '#server/rest/openapi/page.ts'
import { type ReferenceDocument, referencePage } from '#server/rest/openapi/reference.ts'
import { faultsDocument, faultsPage } from './faults-page.ts'
import { guidePage, llmsText } from './guide-page.ts'
import { GUIDE_MARKDOWN } from './guide-text.ts'
import { homePage } from './home-page.ts'

const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
}

/**
 * The routes; `otherMethod` handles methods that they do not accept. Each text is built at the first request, and
 * cached: together they would take a quarter of the startup time, and most processes are never asked for them.
 */
export function documentation(options: Documentation, otherMethod: express.Handler): express.Router {
  const document = once(() => JSON.stringify(openApiDocument(options)))
  const router = express.Router({ strict: true })
  const get = (path: string, answer: express.Handler) => router.route(path).get(answer).all(otherMethod)
  const serve = (path: string, type: string, text: () => string) => {
    const made = once(text)
    get(path, (_, response) => void response.set('Cache-Control', 'no-cache').type(type).send(made()))
  }
  serve('/openapi.json', 'json', document)
  const policy = helmet.contentSecurityPolicy(CONTENT_SECURITY_POLICY)
  router.use('/docs', policy)
  // Sound: the page only reads parts of the document that `openapi.ts` puts into it.
  serve('/docs', 'html', () => referencePage(JSON.parse(document()) as ReferenceDocument))
  // The page's links are relative, so that it works below a proxy's path prefix.
  get('/docs/', (_, response) => response.redirect(308, '../docs'))
  serve('/docs/faults', 'html', faultsPage)
  serve('/docs/faults.md', 'text/markdown', faultsDocument)
  serve('/docs/guide', 'html', guidePage)
  serve('/docs/guide.md', 'text/markdown', () => GUIDE_MARKDOWN)
  serve('/llms.txt', 'text/plain', () => llmsText(options.publicUrl))
  serve('/docs/page.css', 'css', () => STYLE)
  const home = once(() => homePage(options.publicUrl))
  router.get('/', (request, response, next) => {
    response.vary('Accept')
    if (!wantsPage(request)) return next()
    noteServed(response, { surface: 'none', route: 'GET /' })
    policy(request, response, () => void response.set('Cache-Control', 'no-cache').type('html').send(home()))
  })
  return router
}

function once(make: () => string): () => string {
  let made: string | null = null
  return () => {
    made ??= make()
    return made
  }
}
