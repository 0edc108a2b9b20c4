/**
 * `GET /` for a person: says that Mooring runs here, and where to read on. A program gets the same answer as for any
 * unknown path. `docs.ts` serves it.
 */
import { escaped, page } from '#server/rest/openapi/page.ts'
import { VERSION } from '#shared/base/version.ts'

/** The page. Links are relative, so that it works below a proxy's path prefix. */
export function homePage(publicUrl: string): string {
  const call = `curl -sS ${publicUrl}/v1/datasources \\
  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -H 'Prefer: wait=20' \\
  -d "{\\"connectionString\\":\\"$DATABASE\\"}"`
  const body = `<main>
<h1>Mooring ${escaped(VERSION)}</h1>
<p>Mooring runs here: a registry in which a platform's customers keep their own Postgres databases.</p>
<h2>Go on</h2>
<ul>
<li><a href="docs/guide">The guide</a>: from the first call to operation</li>
<li><a href="docs">The reference</a>: every route and field, and <a href="openapi.json">openapi.json</a> for tools</li>
<li><a href="docs/faults">Faults</a>: every error, and what to do about it</li>
</ul>
<h2>The first call</h2>
<p>With an API key and a connection string:</p>
<pre>${escaped(call)}</pre>
<p>The first start has printed a key of each mode. The operator makes another one:</p>
<pre>npm run -s mooring -- keys create --mode test</pre>
<p>There is no console at this address: it is part of a build (<code>npm run build</code>, and <code>npm start</code> in a checkout).</p>
</main>`
  return page('Mooring', 'docs/', body)
}
