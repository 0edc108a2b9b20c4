/**
 * `docs/commands.md`, generated from the table of commands, which parsing, `--help` and shell completion also use: `npm
 * run dump` writes it, a test compares it.
 */
import { type Described, optionTerm, synopsisOf } from '#client/cli/described.ts'
import { callerCommands, ownCommands } from '#server/operator/command-line/table.ts'
import { commands } from '#server/operator/commands.ts'

const LEAD = `# Commands

Written by \`npm run dump\`. \`npm run -s mooring -- COMMAND\` works beside a server that runs; the package's command is \`mooring\`.
Results stand alone on standard output. \`--help\` lists all commands, after a command its options; \`--version\` prints the release.
A failure is one sentence on standard error and status 1, an unknown command status 2.
`

const CALLERS = `
As a caller, with \`MOORING_URL\` and \`MOORING_API_KEY\`:
`

const OPTIONS = `
## Options
`

/** Returns the document. */
export function commandsDocument(): string {
  const operators = [...commands, ...ownCommands]
  const described = [...operators, ...callerCommands].filter(({ options = [] }) => options.length > 0)
  return [LEAD, ...table(operators), CALLERS, ...table(callerCommands), OPTIONS, ...options(described), ''].join('\n')
}

const cell = (text: string) => text.replaceAll('|', '\\|')

function table(all: readonly Described[]): string[] {
  const rows = all.map(one => `| \`${cell(synopsisOf(one))}\` | ${cell(one.about)} |`)
  return ['| command | what it does |', '|---|---|', ...rows]
}

function options(all: readonly Described[]): string[] {
  const rows = all.flatMap(({ words, options: own = [] }) =>
    own.map((one, at) => {
      const name = at === 0 ? `\`${words.join(' ')}\`` : ''
      return `| ${name} | \`${cell(optionTerm(one))}\` | ${cell(one.about)} |`
    }),
  )
  return ['| command | option | what it says |', '|---|---|---|', ...rows]
}
