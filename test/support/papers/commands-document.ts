/**
 * `docs/commands.md`, written from the tables of commands that `--help` is printed from: `npm run dump` writes it, a
 * test compares.
 */
import { schemaCommands } from '#client/cli/schema.ts'
import { commands } from '#server/operator/commands.ts'

const LEAD = `# Commands

Written by \`npm run dump\`. \`npm run -s mooring -- COMMAND\` works beside a server that runs. Results stand alone on standard
output; \`--help\` lists all.
`

const CALLERS = `
As a caller, with \`MOORING_URL\` and \`MOORING_API_KEY\`:
`

/** The document. */
export function commandsDocument(): string {
  return [LEAD, ...table(commands), CALLERS, ...table(schemaCommands), ''].join('\n')
}

function table(all: readonly { readonly synopsis: string; readonly about: string }[]): string[] {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = all.map(({ synopsis, about }) => `| \`${cell(synopsis)}\` | ${cell(about)} |`)
  return ['| command | what it does |', '|---|---|', ...rows]
}
