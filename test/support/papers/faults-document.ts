/**
 * `docs/faults.md`, written from the one table in `shared/faults/fault.ts`: `npm run dump` writes it, a test compares.
 */
import { FAULTS, type FaultCode, faultSpec } from '#shared/faults/fault.ts'

const LEAD = `# Faults

Written by \`npm run dump\` from \`shared/faults/fault.ts\`. The codes are stable; the sentences are for people and may change.

Over tRPC the code is \`error.data.fault\`; \`faultOf(error)\` of the client reads it. In the datasources dialect it is \`code\`, and
in the connections dialect \`error.code\` has the word of the third column. A wrong body is a 422 in Pydantic's shape there.
A \`↻\` marks what a retry without a change can mend; where the answer has \`Retry-After\`, wait that long.
`

/** The document. */
export function faultsDocument(): string {
  // Sound: the keys of FAULTS are the codes.
  const rows = (Object.keys(FAULTS) as FaultCode[]).map(code => {
    const { status, datasourcesStatus, connections, retryable, says: message } = faultSpec(code)
    const http = datasourcesStatus === undefined ? `${status}` : `${status}, datasources dialect ${datasourcesStatus}`
    return `| \`${code}\`${retryable ? ' ↻' : ''} | ${http} | \`${connections}\` | ${message.replaceAll('|', '\\|')} |`
  })
  return [LEAD, '| code | HTTP | connections dialect | message |', '|---|---|---|---|', ...rows, ''].join('\n')
}
