/**
 * The guide as a page next to the reference, and `llms.txt`, which directs programs to the Markdown. No page runs a
 * script. `docs.ts` serves them.
 */
import { escaped, page } from '#server/rest/openapi/page.ts'
import { GUIDE_HTML, GUIDE_SECTIONS } from './guide-text.ts'

/** The page. */
export function guidePage(): string {
  const entries = GUIDE_SECTIONS.map(({ id, title }) => `<li><a href="#${id}">${escaped(title)}</a></li>`)
  const body = `<nav>
<details open><summary>Guide</summary>
<ul>${entries.join('\n')}</ul>
<ul><li><a href="../docs">Reference</a></li><li><a href="faults">Faults</a></li><li><a href="guide.md">As Markdown</a></li></ul></details>
</nav>
<main class="guide">
${GUIDE_HTML}</main>`
  return page('Mooring: guide', '', body).replace('<body>', '<body class="wide">')
}

/** `/llms.txt`, in the format of llmstxt.org. */
export function llmsText(publicUrl: string): string {
  return `# Mooring

> A registry in which a platform's customers keep their own Postgres databases: sealed credentials, judged databases, watched schemas. Called over tRPC at /trpc or by one of two REST dialects; keys travel in the Authorization header.

## Documents

- [Guide](${publicUrl}/docs/guide.md): life cycle, which way to call, rotation, polling or watching, errors, recipes
- [Faults](${publicUrl}/docs/faults.md): every error code with what to do about it
- [OpenAPI](${publicUrl}/openapi.json): every route of both dialects, with examples
`
}
