/**
 * The completion of commands in the language of each shell. Everything from the table is quoted; nothing runs while
 * someone types.
 */
import { type OptionSpec, takesValue } from '#client/cli/described.ts'
import type { Completion, CompletionPlace } from './completion.ts'

/** The shells. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const

/** The name of a supported shell. */
export type Shell = (typeof SHELLS)[number]

/** True for a supported shell. */
export function isShell(text: string): text is Shell {
  return SHELLS.some(shell => shell === text)
}

/** The script for a shell; `name` is the command's name, made of letters, digits, `_` and `-`. */
export function completionScript(shell: Shell, name: string, completion: Completion): string {
  const own = name.replaceAll('-', '_')
  return { bash, zsh, fish }[shell]({ name, own, ...completion })
}

interface Parts extends Completion {
  readonly name: string
  /** The part that belongs in function names. */
  readonly own: string
}

function bash({ name, own, places, values }: Parts): string {
  const kinds = { files: 'compgen -f', folders: 'compgen -d' }
  const ofValue = values.map(({ name: option, choices, completes }) => {
    const words = `compgen -W ${quoted(choices?.join(' ') ?? '')}`
    return `    --${option}) COMPREPLY=($(${completes === undefined ? words : kinds[completes]} -- "$current")); return ;;`
  })
  const ofPlace = places.map(({ at, next, options }) => {
    const candidates = [...next.map(({ word }) => word), ...options.map(option => `--${option.name}`)]
    return `    ${quoted(at)}) candidates=${quoted(candidates.join(' '))} ;;`
  })
  return `# bash completion of ${name}: source <(${name} completion bash)
_${own}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" place='' candidates='' word
  # bash takes --mode=live for three words.
  if [ "$current" = = ]; then current=''
  elif [ "$previous" = = ]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${place:+$place }$word" in
      ${known(places)}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$previous" in
${ofValue.join('\n')}
  esac
  case "$place" in
${ofPlace.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}
complete -F _${own} ${name}`
}

function zsh({ name, own, places, values }: Parts): string {
  const kinds = { files: '_files', folders: '_files -/' }
  const ofValue = values.map(({ name: option, choices, completes }) => {
    const words = choices === undefined ? ':' : `compadd -- ${choices.join(' ')}`
    return `    --${option}) ${completes === undefined ? words : kinds[completes]}; return ;;`
  })
  const described = (word: string, about: string) => quoted(`${word}:${about.replaceAll(':', '\\:')}`)
  const ofPlace = places.map(({ at, next, options }) => {
    const words = next.map(({ word, about }) => described(word, about)).join(' ')
    const dashed = options.map(option => described(`--${option.name}`, option.about)).join(' ')
    return `    ${quoted(at)}) following=(${words}) dashed=(${dashed}) ;;`
  })
  return `#compdef ${name}
# zsh completion of ${name}: source <(${name} completion zsh), after compinit
_${own}() {
  local place='' word
  local -a following dashed
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${place:+$place }$word" in
      ${known(places)}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$words[CURRENT-1]" in
${ofValue.join('\n')}
  esac
  case "$place" in
${ofPlace.join('\n')}
  esac
  _describe -t commands command following
  _describe -t options -o option dashed
}
if [ "$funcstack[1]" = _${own} ]; then _${own} "$@"; else compdef _${own} ${name}; fi`
}

function fish({ name, own, places }: Parts): string {
  const ofPlace = places.flatMap(({ at, next, options }) => {
    const here = `complete -c ${name} -n ${fishQuoted(`__${own}_at ${fishQuoted(at)}`)}`
    return [
      ...next.map(({ word, about }) => `${here} -a ${word} -d ${fishQuoted(about)}`),
      ...options.map(option => `${here} -l ${option.name}${fishValue(option)} -d ${fishQuoted(option.about)}`),
    ]
  })
  const cases = places.filter(({ at }) => at !== '').map(({ at }) => fishQuoted(at))
  return `# fish completion of ${name}: ${name} completion fish | source
function __${own}_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim -- "$place $word")
    switch $next
      case ${cases.join(' ')}
        set place $next
    end
  end
  test "$place" = "$argv[1]"
end
complete -c ${name} -f
${ofPlace.join('\n')}`
}

function fishValue(option: OptionSpec): string {
  if (!takesValue(option)) return ''
  if (option.completes === 'files') return ' -r -F'
  if (option.completes === 'folders') return " -x -a '(__fish_complete_directories)'"
  return option.choices === undefined ? ' -x' : ` -x -a ${fishQuoted(option.choices.join(' '))}`
}

/** The positions as a pattern of \`case\`. */
function known(places: readonly CompletionPlace[]): string {
  return places.flatMap(({ at }) => (at === '' ? [] : [quoted(at)])).join('|')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
