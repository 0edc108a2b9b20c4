/**
 * `/openapi.json`, `/docs` and `/docs/faults`: the document, the page that renders it, and the fault table that errors link
 * to. Everything comes from local files, and the pages run no script and no style but those files.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import express from 'express'
import helmet from 'helmet'
import { FAULTS, type FaultCode, faultSpec } from '#shared/faults/fault.ts'
import { type Documentation, openApiDocument } from './openapi.ts'

const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
}

/** A day: the files change with the version that is installed. */
const KEPT = { cacheControl: false, headers: { 'Cache-Control': 'public, max-age=86400' } }

/** The only files of the package that are served. */
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js']

/**
 * The routes, `otherMethod` for what they do not take. The document is made at once, so that a table it cannot be made of is
 * found when the process starts.
 */
export function documentation(of: Documentation, otherMethod: express.Handler): express.Router {
  const document = JSON.stringify(openApiDocument(of))
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const router = express.Router({ strict: true })
  const get = (path: string, answer: express.Handler) => router.route(path).get(answer).all(otherMethod)
  const serve = (path: string, type: string, text: string) =>
    get(path, (_, response) => void response.set('Cache-Control', 'no-cache').type(type).send(text))
  serve('/openapi.json', 'json', document)
  router.use('/docs', helmet.contentSecurityPolicy(CONTENT_SECURITY_POLICY))
  serve('/docs', 'html', DOCS)
  // The page's links are relative, so that it works below a prefix of a proxy's.
  get('/docs/', (_, response) => response.redirect(308, '../docs'))
  serve('/docs/faults', 'html', faultsPage())
  serve('/docs/start.js', 'js', START)
  serve('/docs/page.css', 'css', STYLE)
  for (const name of ASSETS) get(`/docs/${name}`, (_, response) => response.sendFile(join(folder, name), KEPT))
  return router
}

function page(title: string, folder: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${folder}swagger-ui.css">
<link rel="stylesheet" href="${folder}page.css">
</head>
<body>
${body}
</body>
</html>
`
}

const DOCS = page(
  'Mooring: API',
  'docs/',
  '<div id="document"></div>\n<script src="docs/swagger-ui-bundle.js"></script>\n<script src="docs/start.js"></script>',
)

/** Requests go to where the page came from: under another name, the policy would rightly stop them. */
const START = `const base = new URL('.', location.href).href.replace(/\\/$/, '')
fetch('openapi.json').then(response => response.json()).then(spec => {
  const told = spec.servers[0].url
  const here = servers => servers.map(server => ({ ...server, url: base + server.url.slice(told.length) }))
  spec.servers = here(spec.servers)
  for (const path of Object.values(spec.paths)) if (path.servers) path.servers = here(path.servers)
  window.SwaggerUIBundle({
    spec,
    dom_id: '#document',
    deepLinking: true,
    validatorUrl: null,
    persistAuthorization: false,
  })
})
`

const STYLE = `body { margin: 0; font-family: system-ui, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.5; }
h2 { font: 600 1.1rem ui-monospace, monospace; margin: 2rem 0 0.25rem; }
h2 a { color: inherit; text-decoration: none; }
h2:target { background: #fff3bf; }
p { margin: 0.25rem 0; }
`

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

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
