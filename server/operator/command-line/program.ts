/**
 * Parses a command line with the table of commands: into a command with its operands and options, or a text to print,
 * such as the help of one command, or an error with a suggestion. It runs nothing and reads nothing. The parser is
 * `commander`; messages about individual values come from the commands.
 */
import { Command as Commander, CommanderError, type Help, Option } from 'commander'
import {
  type Described,
  type Given,
  type OptionSpec,
  optionTerm,
  synopsisOf,
  takesValue,
} from '#client/cli/described.ts'

/** The meaning of a command line: a command, or a text to print. */
export type ParsedCommand =
  | { readonly command: Described; readonly given: Given }
  | { readonly text: string; readonly to: 'output' | 'error'; readonly status: number }

/** The name under which it is called, and the other inputs of its texts. */
export interface CommandLine {
  /** As typed, for example `mooring`. */
  readonly name: string
  readonly version: string
  readonly all: readonly Described[]
}

const UNKNOWN_STATUS = 2
const HELP_CODES = ['commander.help', 'commander.helpDisplayed']

/** Parses the words after the program's name. Never throws because of user input. */
export function parseCommandLine(args: readonly string[], line: CommandLine): ParsedCommand {
  const said: string[] = []
  let found: ParsedCommand | null = null
  const root = groupOf([], line, said)
  root.version(line.version, '-V, --version', 'prints the version')
  for (const command of line.all) {
    const [last = '', ...groups] = command.words.toReversed()
    let parent = root
    for (const [at, word] of groups.toReversed().entries()) {
      const existing = parent.commands.find(one => one.name() === word)
      const made = () => groupOf(command.words.slice(0, at + 1), line, said)
      if (existing === undefined) parent.addCommand(made())
      parent = existing ?? parent.commands.at(-1) ?? parent
    }
    parent.addCommand(
      leafOf(command, { last, line, said }, given => {
        found = { command, given }
      }),
    )
  }
  try {
    root.parse(withWordsFirst(args, line.all), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return textOf(error, { args, line, said })
  }
  return found ?? { text: said.join(''), to: 'error', status: UNKNOWN_STATUS }
}

/** A command with subcommands, which does nothing itself. */
function groupOf(words: readonly string[], line: CommandLine, said: string[]): Commander {
  const group = bare(words.at(-1) ?? line.name, said)
  const inGroup = line.all.filter(({ words: those }) => words.every((word, at) => those[at] === word))
  const usage = [line.name, ...words, 'COMMAND'].join(' ')
  group.configureHelp({ formatHelp: () => groupHelp(usage, inGroup) })
  return group
}

function bare(name: string, said: string[]): Commander {
  return new Commander(name)
    .exitOverride()
    .configureOutput({ writeOut: text => void said.push(text), writeErr: text => void said.push(text) })
    .helpOption('-h, --help', 'prints this')
}

function groupHelp(usage: string, commands: readonly Described[]): string {
  const lines = commands.map(one => `  ${synopsisOf(one)}\n      ${one.about}`)
  return [`Usage: ${usage}`, '', ...lines, '', `${usage} --help describes one command.`, ''].join('\n')
}

function leafOf(
  command: Described,
  { last, line, said }: { readonly last: string; readonly line: CommandLine; readonly said: string[] },
  action: (given: Given) => void,
): Commander {
  const { operands = [], options = [], about } = command
  const leaf = bare(last, said).description(`${about[0]?.toUpperCase()}${about.slice(1)}.`)
  // The command itself reports a missing operand, with its own sentence.
  for (const operand of operands) leaf.argument(`[${operand.name}]`, operand.about)
  for (const option of options) leaf.addOption(commanderOption(option))
  leaf.configureHelp({
    commandUsage: () => `${line.name} ${synopsisOf(command)}`,
    argumentTerm: argument => argument.name(),
    optionTerm: option => termOf(option, options),
    optionDescription: (option: Option) => option.description,
  } satisfies Partial<Help>)
  leaf.action(() => {
    const attributes: Record<string, unknown> = leaf.opts()
    action({ operands: leaf.args, options: namedOptions(options, attributes) })
  })
  return leaf
}

function commanderOption(spec: OptionSpec): Option {
  const [, ...value] = optionTerm(spec).split(' ')
  const option = new Option(takesValue(spec) ? `--${spec.name} <${value.join(' ')}>` : `--${spec.name}`, spec.about)
  if (spec.isRepeatable !== true) return option
  return option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
}

function termOf(option: Option, specs: readonly OptionSpec[]): string {
  const spec = specs.find(({ name }) => option.long === `--${name}`)
  return spec === undefined ? option.flags : optionTerm(spec)
}

/** By the names that are typed. */
function namedOptions(specs: readonly OptionSpec[], attributes: Readonly<Record<string, unknown>>): Given['options'] {
  return Object.fromEntries(
    specs.flatMap(spec => {
      const value = attributes[commanderOption(spec).attributeName()]
      const isList = Array.isArray(value) && value.every(item => typeof item === 'string')
      return typeof value === 'string' || value === true || isList ? [[spec.name, value]] : []
    }),
  )
}

/** Options before the command belong to the command, which expects them at its end. */
function withWordsFirst(args: readonly string[], all: readonly Described[]): string[] {
  const specs = all.flatMap(({ options = [] }) => options)
  let at = 0
  while (at < args.length) {
    const [name = '', ...inline] = (args[at] ?? '').split('=')
    const spec = specs.find(one => name === `--${one.name}`)
    if (spec === undefined) break
    at += takesValue(spec) && inline.length === 0 ? 2 : 1
  }
  return [...args.slice(at), ...args.slice(0, at)]
}

function textOf(
  error: CommanderError,
  {
    args,
    line,
    said,
  }: { readonly args: readonly string[]; readonly line: CommandLine; readonly said: readonly string[] },
): ParsedCommand {
  if (error.code === 'commander.version') return { text: `${line.version}\n`, to: 'output', status: 0 }
  // A missing command is as wrong as an unknown one. Requested help is a success.
  if (HELP_CODES.includes(error.code))
    return error.exitCode === 0
      ? { text: said.join(''), to: 'output', status: 0 }
      : { text: said.join(''), to: 'error', status: UNKNOWN_STATUS }
  const [what = '', meant = ''] = withoutValues(error.message).split('\n(')
  const words = wordsOf(args, line.all)
  const see = `${[line.name, ...words].join(' ')} --help`
  const sentences = [
    `${what[0]?.toUpperCase()}${what.slice(1).replace(/\.$/, '')}.`,
    ...(meant === '' ? [] : [meant.slice(0, -1)]),
  ]
  const status = error.code === 'commander.unknownCommand' ? UNKNOWN_STATUS : (failureStatus(words, line.all) ?? 1)
  return { text: `${sentences.join(' ')} See: ${see}\n`, to: 'error', status }
}

/** A misplaced word may be a connection string: only words that look like names are repeated. */
function withoutValues(message: string): string {
  const [kind = '', named = '', ...rest] = message.replace(/^error: /, '').split("'")
  if (kind === 'unknown command ' || kind === 'unknown option ') {
    const [name = ''] = named.split('=')
    return /^[\w-]{1,40}$/.test(name) ? `${kind}'${name}'${rest.join("'")}` : kind.trimEnd()
  }
  // After the counts, commander lists the surplus words.
  return message.replace(/^error: /, '').split(': ', 1)[0] ?? ''
}

/** The longest prefix of the line that consists of words from the table. */
function wordsOf(args: readonly string[], all: readonly Described[]): string[] {
  const given = withWordsFirst(args, all)
  const isPrefix = (length: number) =>
    all.some(({ words }) => given.slice(0, length).every((word, at) => words[at] === word) && words.length >= length)
  let length = 0
  while (length < given.length && isPrefix(length + 1)) length += 1
  return given.slice(0, length)
}

/** The failure status of the commands with this prefix, if they agree. */
function failureStatus(words: readonly string[], all: readonly Described[]): number | undefined {
  return all.find(one => words.length > 0 && words.every((word, at) => one.words[at] === word))?.failureStatus
}
