/**
 * `.env.example`, generated from `docs/settings.md` and the table of settings: each setting with its description and a
 * valid value, as a comment. `npm run dump` writes it, a test compares it.
 */
import { SETTINGS } from '#server/settings/known-settings.ts'

const LEAD = `# Settings of Mooring, each with an acceptable value; docs/settings.md has the defaults. Written by npm run dump.
# Copy this file, remove the # in front of what you set, and hand it over as systemd's EnvironmentFile, as env_file of
# compose.yaml, or in a shell: set -a; . ./.env; set +a. Nothing else belongs into a line: no comment, no blank around the =.
`
const WIDTH = 120

/** A row of the page: its settings, and their description. */
export interface SettingsRow {
  readonly names: readonly string[]
  readonly meaning: string
}

/** Returns the rows of the page. A name that begins with `…` abbreviates a setting. */
export function settingsRows(page: string): SettingsRow[] {
  const rows = page.split('\n').filter(line => line.startsWith('| `'))
  return rows.map(row => {
    const [, names = '', , meaning = ''] = row.split(/(?<!\\)\|/).map(cell => cell.trim())
    const [first = '', ...others] = [...names.matchAll(/`([A-Z_…]+)`/g)].map(([, name]) => name ?? '')
    return { names: [first, ...others.map(name => whole(name, first))], meaning }
  })
}

/** `…_PER_KEY` and `…_CHANGES_…` stand for the setting with that ending that begins like the first one of the row. */
function whole(name: string, first: string): string {
  if (!name.includes('…')) return name
  const [prefix, subject] = first.split('_')
  const part = name.replaceAll('…', '')
  const found = Object.keys(SETTINGS)
    .filter(one => one.startsWith(`${prefix}_${subject}_`))
    .filter(one => (name.endsWith('…') ? one.includes(part) : one.endsWith(part)))
  return found.length === 1 ? (found[0] ?? name) : name
}

/** Returns the content of the file. */
export function envExample(page: string): string {
  const blocks = settingsRows(page).map(({ names, meaning }) =>
    [...comment(meaning), ...names.map(name => `#${name}=${shown(name)}`), ''].join('\n'),
  )
  return `${[LEAD, ...blocks].join('\n')}`
}

/** Quoted if a shell would split it. */
function shown(name: string): string {
  const value = SETTINGS[name] ?? ''
  return /^[\w./:@%,[\]-]*$/.test(value) ? value : `'${value}'`
}

function comment(meaning: string): string[] {
  const plain = meaning.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1').replaceAll('`', '')
  const lines: string[] = []
  for (const word of plain.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length + 1 > WIDTH) lines.push(`# ${word}`)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
