/**
 * Every fault with its remedy: the page `/docs/faults` that errors link to, and the same as Markdown. `docs.ts` serves
 * both, and `npm run dump` writes the Markdown to `docs/faults.md`.
 */
import { escaped, inline, page } from '#server/rest/openapi/page.ts'
import { FAULTS, type FaultCode, faultSpec } from '#shared/faults/fault.ts'
import { REMEDIES } from './fault-remedies.ts'

const CODES = Object.keys(FAULTS) as FaultCode[] // the keys of the table are its codes

/** The page. */
export function faultsPage(): string {
  const title = 'Mooring: faults'
  const body = `<main>
<p><a href="../docs">reference</a> · <a href="guide">guide</a> · <a href="faults.md">as Markdown</a></p>
<h1>Faults</h1>
<p>Every way in which Mooring refuses or fails. The code is stable; the sentence is for people and may change.</p>
${CODES.map(section).join('\n')}
</main>`
  return page(title, '', body)
}

function section(code: FaultCode): string {
  const { status, datasourcesStatus, connections, retryable, message, aliases } = faultSpec(code)
  const other = datasourcesStatus === undefined ? '' : ` (${datasourcesStatus} in the datasources dialect)`
  const isValidation = code === 'invalid_body' || code === 'invalid_json'
  const there = isValidation ? '422 in the shape of Pydantic v2' : `<code>${connections}</code>`
  const newer = aliases === undefined ? '' : ` Newer spelling: <code>${aliases.join('</code>, <code>')}</code>.`
  const again = retryable ? 'Trying again can help.' : 'Trying again without a change does not help.'
  return `<section id="${code}"><h2><a href="#${code}">${code}</a></h2>
<p>${escaped(message)}</p>
<p><strong>What to do.</strong> ${inline(REMEDIES[code])}</p>
<p class="of">HTTP ${status}${other}; ${there} in the connections dialect.${newer} ${again}</p></section>`
}

const LEAD = `# Faults

Written by \`npm run dump\` from \`shared/faults/fault.ts\` and \`server/rest/guide/fault-remedies.ts\`. The codes are stable; the
sentences are for people and may change.

Over tRPC the code is \`error.data.fault\`; \`faultOf(error)\` of the client reads it. In the datasources dialect it is \`code\`, and
in the connections dialect \`error.code\` has the word of the third column. A wrong body is a 422 in Pydantic's shape there.
A \`↻\` marks what a retry without a change can mend; where the answer has \`Retry-After\`, wait that long.
`

/** The Markdown. */
export function faultsDocument(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = CODES.map(code => {
    const { status, datasourcesStatus, connections, retryable, message } = faultSpec(code)
    const http = datasourcesStatus === undefined ? `${status}` : `${status}, datasources dialect ${datasourcesStatus}`
    return `| \`${code}\`${retryable ? ' ↻' : ''} | ${http} | \`${connections}\` | ${cell(message)} | ${cell(REMEDIES[code])} |`
  })
  const head = '| code | HTTP | connections dialect | message | what to do |'
  return [LEAD, head, '|---|---|---|---|---|', ...rows, ''].join('\n')
}
