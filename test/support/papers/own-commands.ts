/**
 * The Mooring commands that a document names, in its blocks and between backticks: the words after `mooring`, as a
 * shell would pass them. Words that a shell would expand become `X`.
 */

const CALLED = /(?:npm run -s mooring --|npx mooring|run --rm operator|(?<![-\w])operator|^mooring) +(?<words>\S.*)/
/** Separate programs, which the command line does not know. */
const PROGRAMS = new Set(['start', 'web', 'worker'])

/**
 * Returns the words of each command, in order. Commands without a name, or with a name that a shell expands, are left
 * out.
 */
export function ownCommandsOf(markdown: string): string[][] {
  const blocks = [...markdown.matchAll(/^( *)```.*\n([\s\S]*?)^\1```$/gm)].map(([, , text = '']) => text)
  const lines = blocks.flatMap(text => text.replaceAll('\\\n', ' ').split('\n'))
  const prose = markdown.replace(/^( *)```.*\n[\s\S]*?^\1```$/gm, '')
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.replace(/\s+/g, ' '))
  // In prose, an operator is a person.
  const named = [...lines, ...spans.filter(span => !span.startsWith('operator'))]
  return named.flatMap(text => {
    const words = wordsOf(CALLED.exec(text)?.groups?.['words'] ?? '')
    const isNamed = words.length > 0 && !PROGRAMS.has(words[0] ?? '') && /^[a-z-]/.test(words[0] ?? '')
    return isNamed && words[1] !== 'X' ? [words] : []
  })
}

/** Returns the words up to the next command, a redirection, a comment, or the end of the text. */
function wordsOf(text: string): string[] {
  const filled = text.replace(/"[^"]*"|'[^']*'|\$\{?\w+\}?/g, 'X')
  const [own = ''] = filled.split(/\s*(?:[;|)<>…]|&&|\d?>| #)/)
  return own.split(' ').filter(word => word !== '')
}
