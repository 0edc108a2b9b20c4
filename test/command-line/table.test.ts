/**
 * The table of commands as people use it: parsing, help and errors of each command, suggestions, and shell completion.
 * No test needs a server.
 */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Described, optionTerm, synopsisOf, takesValue } from '#client/cli/described.ts'
import { completionOf } from '#server/operator/command-line/completion.ts'
import { parseCommandLine } from '#server/operator/command-line/program.ts'
import { completionScript, SHELLS, type Shell } from '#server/operator/command-line/shells.ts'
import { allCommands } from '#server/operator/command-line/table.ts'

const parse = (...args: string[]) => parseCommandLine(args, { name: 'mooring', version: '1.2.3', all: allCommands })

/** Parses a line that prints a text. */
function text(...args: string[]): { text: string; to: string; status: number } {
  const parsed = parse(...args)
  if ('text' in parsed) return parsed
  throw new Error(`it runs ${parsed.command.words.join(' ')}`)
}

/** Parses a line that runs a command. */
function given(...args: string[]): object {
  const parsed = parse(...args)
  if ('text' in parsed) throw new Error(parsed.text)
  return { words: parsed.command.words.join(' '), ...parsed.given }
}

const named = (command: Described) => [command.words.join(' '), command] as const

describe.each(allCommands.map(named))('%s', (name, command) => {
  const { words, operands = [], options = [] } = command

  it('prints its own help with synopsis and options, with status 0', () => {
    const help = text(...words, '--help')
    expect([help.to, help.status]).toEqual(['output', 0])
    expect(help.text).toMatch(/^Usage: mooring /)
    expect(help.text.split('\n')[0]).toBe(`Usage: mooring ${synopsisOf(command)}`)
    for (const option of options) expect(help.text).toContain(`  ${optionTerm(option)}  `)
  })

  it('accepts every operand and option under the names in the table', () => {
    const asked = options.map(option => {
      const value = option.choices?.[0] ?? 'value'
      const shown = option.isRepeatable === true ? [value] : value
      return [option, takesValue(option) ? shown : true] as const
    })
    const args = asked.flatMap(([option, value]) => [`--${option.name}`, ...(value === true ? [] : [value].flat())])
    const those = operands.map(operand => operand.choices?.[0] ?? 'operand')
    const wanted = Object.fromEntries(asked.map(([option, value]) => [option.name, value]))
    expect(given(...words, ...those, ...args)).toEqual({ words: name, operands: those, options: wanted })
    // Options may also come before the words, as in earlier releases.
    expect(given(...args, ...words, ...those)).toEqual({ words: name, operands: those, options: wanted })
  })

  it('refuses unknown arguments, says where to look, and repeats no value', () => {
    const wrong = [
      [...words, '--nonsense=postgres://app:s3cret@db/app'],
      [...words, ...operands.map(() => 'x'), 'postgres://app:s3cret@db/app'],
    ]
    for (const args of wrong) {
      const refused = text(...args)
      expect([refused.to, refused.status]).toEqual(['error', command.failureStatus ?? 1])
      expect(refused.text).toMatch(/^[A-Z][^\n]*\. See: mooring [^\n]+ --help\n$/)
      expect(refused.text).toContain(`See: mooring ${name} --help`)
      expect(refused.text).not.toContain('s3cret')
    }
  })

  it('is described in one phrase without a full stop, and so is each option', () => {
    for (const { about } of [command, ...operands, ...options]) expect(about).toMatch(/^[\da-z'][^\n]*[^.\n]$/)
  })
})

describe('A command line', () => {
  it.each([
    [['kyes', 'list'], 2, "Unknown command 'kyes'. Did you mean keys? See: mooring --help\n"],
    [['keys', 'craete'], 2, "Unknown command 'craete'. Did you mean create? See: mooring keys --help\n"],
    [
      ['keys', 'create', '--nmae', 'x'],
      1,
      "Unknown option '--nmae'. Did you mean --name? See: mooring keys create --help\n",
    ],
    [['keyring', 'init', '--dir'], 1, "Option '--dir <DIR>' argument missing. See: mooring keyring init --help\n"],
    [['postgres://app:s3cret@db/app'], 2, 'Unknown command. See: mooring --help\n'],
  ])('that is mistyped gets a suggestion: %j', (args, status, sentence) => {
    expect(text(...args)).toEqual({ text: sentence, to: 'error', status })
  })

  it('without a command, or with part of one, prints the available commands as an error', () => {
    expect(text()).toMatchObject({ to: 'error', status: 2 })
    for (const command of allCommands) expect(text().text).toContain(`  ${synopsisOf(command)}\n      ${command.about}`)
    const { text: ofKeys, status } = text('keys')
    expect(status).toBe(2)
    expect(ofKeys.match(/^ {2}keys .*$/gm)).toHaveLength(3)
    expect(ofKeys).not.toContain('  org')
  })

  it('with --version prints only the release', () => {
    expect(text('--version')).toEqual({ text: '1.2.3\n', to: 'output', status: 0 })
    expect(text('-V').text).toBe('1.2.3\n')
  })

  it('ends its options at --, and accepts --option=value', () => {
    expect(given('keys', 'revoke', '--', '--force')).toMatchObject({ operands: ['--force'], options: {} })
    expect(given('keys', 'create', '--mode=live')).toMatchObject({ options: { mode: 'live' } })
    const twice = given('capability', 'create', '--datasource', 'ds_1', '--datasource', 'ds_2')
    expect(twice).toMatchObject({ options: { datasource: ['ds_1', 'ds_2'] } })
  })
})

describe('The table', () => {
  it('lists nothing without --json', () => {
    const lists = allCommands.filter(
      ({ words, about }) => words.at(-1) === 'list' || /one per line|prints them/.test(about),
    )
    expect(lists.length).toBeGreaterThan(4)
    for (const command of lists) expect(synopsisOf(command)).toContain('[--json]')
  })

  it('gives options of one name values of one kind, so that a shell can complete them by name', () => {
    const kinds = new Map<string, Set<string>>()
    for (const { name, choices, completes, ...option } of allCommands.flatMap(({ options = [] }) => options)) {
      const kind = JSON.stringify([takesValue({ name, ...option, ...(choices && { choices }) }), choices, completes])
      kinds.set(name, (kinds.get(name) ?? new Set()).add(kind))
    }
    expect([...kinds].filter(([, of]) => of.size > 1).map(([name]) => name)).toEqual([])
  })
})

const has = (program: string) => spawnSync(program, ['--version']).status === 0
const script = (shell: Shell) => completionScript(shell, 'mooring', completionOf(allCommands))

/** Returns what a shell offers at the end of a line, sorted. */
const OFFERS: Readonly<Record<Shell, (line: readonly string[]) => Promise<string[]>>> = {
  bash: async line => {
    const words = ['mooring', ...line].map(word => `'${word}'`).join(' ')
    const ask = `COMP_WORDS=(${words}); COMP_CWORD=${line.length}; _mooring; printf '%s\\n' "\${COMPREPLY[@]}"`
    return lines((await run('bash', ['--norc', '-c', `${script('bash')}\n${ask}`])).stdout)
  },
  zsh: async line => {
    // Runs in a terminal of its own, in which the completion list is requested and read back.
    const ask = `${ZSH}\n${script('zsh').replaceAll('_describe ', 'described ')}\nwords=(mooring ${line.map(word => `'${word}'`).join(' ')}); CURRENT=${line.length + 1}; _mooring`
    return lines((await run('zsh', ['-f', '-c', ask])).stdout).filter(one => one.startsWith(line.at(-1) ?? ''))
  },
  fish: async line => {
    const ask = `${script('fish')}\ncomplete -C'mooring ${line.join(' ')}'`
    return lines((await run('fish', ['--no-config', '-c', ask])).stdout.replaceAll(/\t.*$/gm, ''))
  },
}
/** Replaces the widgets, which need a terminal, by functions that print their arguments. */
const ZSH = `compdef() { :; }
compadd() { shift; print -l -- "$@"; }
_files() { print -l -- *(N); }
described() { local name="\${@[-1]}"; print -l -- "\${(@)\${(@P)name}%%:*}"; }`
const run = promisify(execFile)
const lines = (output: string) =>
  output
    .split('\n')
    .filter(line => line !== '')
    .toSorted()

describe.each(SHELLS)('%s', shell => {
  // `.ci/run` installs all three.
  it.skipIf(!has(shell)).each([
    [['k'], ['keyring', 'keys']],
    [
      ['keys', ''],
      ['create', 'list', 'revoke'],
    ],
    [['keys', 'create', '--m'], ['--mode']],
    [
      ['keys', 'create', '--mode', ''],
      ['live', 'test'],
    ],
    [['keys', 'create', '--mode', 'live', '--na'], ['--name']],
    [['schema', 'drift', 'ds_1', '--j'], ['--json']],
    [
      ['completion', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [['keyring', 'rotate-m'], ['rotate-master']],
    [['keys', 'create', '--name', 'k'], []],
  ])('completes %j', async (line, wanted) => {
    const offered = await OFFERS[shell](line)
    expect(offered.filter(one => line.at(-1) !== '' || !one.startsWith('--'))).toEqual(wanted)
  })

  it.skipIf(!has(shell))('knows every command and every option', async () => {
    for (const { words, options = [] } of allCommands) {
      const offered = await OFFERS[shell]([...words, '--'])
      expect(offered, words.join(' ')).toEqual(['--help', ...options.map(({ name }) => `--${name}`)].toSorted())
    }
  })
})
