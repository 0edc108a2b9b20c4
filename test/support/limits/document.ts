/**
 * `docs/limits.md`, written from the table of limits in `server/limits/table.ts`.
 */
import type { Limit } from '#server/limits/limit.ts'
import { LIMITS } from '#server/limits/table.ts'

const LEAD = `# Limits

Every size that a caller, a customer's server or a customer's endpoint controls has a bound. At the bound one of four things
happens: it is *refused*, the *oldest goes*, it is *cut* with a mark, or it *waits*. It is never an internal error.
\`npm run dump\` writes this file; a test compares it with the code, and each row names the test that reaches the bound.
`

/** The document. */
export function limitsDocument(): string {
  return [LEAD, ...Object.entries(LIMITS).map(section)].join('\n')
}

function section([title, limits]: [string, readonly Limit[]]): string {
  const head = ['| what | bound | setting | at the bound | test |', '|---|---|---|---|---|']
  return [`## ${title}`, '', ...head, ...limits.map(row), ''].join('\n')
}

function row({ what, bound, unit, setting, happens, how, test: [file] }: Limit): string {
  const cells = [what, formatted(bound, unit), setting === undefined ? '' : `\`${setting}\``, `${happens}: ${how}`]
  return `| ${[...cells, `\`test/${file}.test.ts\``].join(' | ')} |`
}

const LARGER: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  bytes: [
    [1 << 30, 'GiB'],
    [1 << 20, 'MiB'],
    [1 << 10, 'KiB'],
  ],
  ms: [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ],
}

function formatted(bound: number, unit: string): string {
  const [size, name] = LARGER[unit]?.find(([size]) => bound % size === 0) ?? [1, unit]
  return `${(bound / size).toLocaleString('en')} ${name}`
}
