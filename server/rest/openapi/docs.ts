/**
 * `/openapi.json`, `/docs` and `/docs/faults`: the document, the page that shows it, and the fault table that errors link
 * to. The pages are made here, run no script, and load nothing but their style.
 */
import express from 'express'
import helmet from 'helmet'
import { FAULTS, type FaultCode, faultSpec } from '#shared/faults/fault.ts'
import { type Documentation, openApiDocument } from './openapi.ts'
import { escaped, page, STYLE } from './page.ts'
import { type ReferenceDocument, referencePage } from './reference.ts'

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
 * The routes, `otherMethod` for what they do not take. Each text is made when it is first asked for, and kept: all of them together
 * are a quarter of the work of a start, and most processes are never asked.
 */
export function documentation(of: Documentation, otherMethod: express.Handler): express.Router {
  const document = once(() => JSON.stringify(openApiDocument(of)))
  const router = express.Router({ strict: true })
  const get = (path: string, answer: express.Handler) => router.route(path).get(answer).all(otherMethod)
  const serve = (path: string, type: string, text: () => string) => {
    const made = once(text)
    get(path, (_, response) => void response.set('Cache-Control', 'no-cache').type(type).send(made()))
  }
  serve('/openapi.json', 'json', document)
  router.use('/docs', helmet.contentSecurityPolicy(CONTENT_SECURITY_POLICY))
  // Sound: the page reads of the document what `openapi.ts` puts into it.
  serve('/docs', 'html', () => referencePage(JSON.parse(document()) as ReferenceDocument))
  // The page's links are relative, so that it works below a prefix of a proxy's.
  get('/docs/', (_, response) => response.redirect(308, '../docs'))
  serve('/docs/faults', 'html', faultsPage)
  serve('/docs/page.css', 'css', () => STYLE)
  return router
}

function once(make: () => string): () => string {
  let made: string | null = null
  return () => {
    made ??= make()
    return made
  }
}

function faultsPage(): string {
  const sections = (Object.keys(FAULTS) as FaultCode[]).map(faultSection) // the keys of the table are its codes
  const title = 'Mooring: faults'
  return page(title, '', `<main>\n<h1>Faults</h1>\n${LEAD}\n${sections.join('\n')}\n</main>`)
}

const LEAD =
  '<p>Every way in which Mooring refuses or fails. The code is stable; the sentence is for people and may change.</p>'

function faultSection(code: FaultCode): string {
  const { status, datasourcesStatus, connections, retryable, says, aliases } = faultSpec(code)
  const other = datasourcesStatus === undefined ? '' : ` (${datasourcesStatus} in the datasources dialect)`
  const isValidation = code === 'invalid_body' || code === 'invalid_json'
  const there = isValidation ? '422 in the shape of Pydantic v2' : `<code>${connections}</code>`
  const newer = aliases === undefined ? '' : ` Newer spelling: <code>${aliases.join('</code>, <code>')}</code>.`
  const again = retryable ? 'Trying again can help.' : 'Trying again without a change does not help.'
  return `<h2 id="${code}"><a href="#${code}">${code}</a></h2>
<p>${escaped(says)}</p>
<p>HTTP ${status}${other}; ${there} in the connections dialect.${newer} ${again}</p>`
}
