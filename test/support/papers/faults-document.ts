/**
 * The README's table of faults, written from the one table of them in `shared/faults/fault.ts`.
 */
import { FAULTS, type FaultCode, faultSpec } from '#shared/faults/fault.ts'

const BEGIN = '<!-- faults: written by npm run dump -->'
const END = '<!-- /faults -->'

/** The README with its table of faults made anew. Throws when it has no place for one. */
export function withFaultTable(readme: string): string {
  const [before, rest] = split(readme, BEGIN)
  const [, after] = split(rest, END)
  return `${before}${BEGIN}\n${table()}\n${END}${after}`
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  if (at < 0) throw new Error(`the README has no ${mark}`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}

function table(): string {
  const rows = new Map<string, string[]>()
  // Sound: the keys of FAULTS are the codes.
  for (const code of Object.keys(FAULTS) as FaultCode[]) {
    const { status, datasourcesStatus, connections, retryable } = faultSpec(code)
    const http = datasourcesStatus === undefined ? `${status}` : `${status} (${datasourcesStatus})`
    const row = `| ${http} | \`${connections}\` | `
    rows.set(row, [...(rows.get(row) ?? []), `\`${code}\`${retryable ? '↻' : ''}`])
  }
  const lines = [...rows].map(([row, codes]) => `${row}${codes.join(' ')} |`)
  return ['| HTTP | connections dialect | code |', '|---|---|---|', ...lines.sort()].join('\n')
}
