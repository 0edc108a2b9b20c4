/**
 * The commands of ours that a document names, in its blocks and between backticks: the words behind `mooring`, as a shell would
 * hand them over. What a shell would fill in is one word, `X`.
 */

const CALLED = /(?:npm run -s mooring --|npx mooring|run --rm operator|(?<![-\w])operator|^mooring) +(?<words>\S.*)/
/** Programs of their own, which the command line does not know. */
const PROGRAMS = new Set(['start', 'web', 'worker'])

/** The words of each, in order. Commands without a name, or with one that a shell fills in, are left out. */
export function ownCommandsOf(markdown: string): string[][] {
  const blocks = [...markdown.matchAll(/^( *)```.*\n([\s\S]*?)^\1```$/gm)].map(([, , text = '']) => text)
  const lines = blocks.flatMap(text => text.replaceAll('\\\n', ' ').split('\n'))
  const prose = markdown.replace(/^( *)```.*\n[\s\S]*?^\1```$/gm, '')
  const spans = [...prose.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.replace(/\s+/g, ' '))
  // In prose an operator is a person.
  const named = [...lines, ...spans.filter(span => !span.startsWith('operator'))]
  return named.flatMap(text => {
    const words = wordsOf(CALLED.exec(text)?.groups?.['words'] ?? '')
    const isNamed = words.length > 0 && !PROGRAMS.has(words[0] ?? '') && /^[a-z-]/.test(words[0] ?? '')
    return isNamed && words[1] !== 'X' ? [words] : []
  })
}

/** As far as this command goes: to the next one, a redirection, a comment, or the end of what it stands in. */
function wordsOf(text: string): string[] {
  const filled = text.replace(/"[^"]*"|'[^']*'|\$\{?\w+\}?/g, 'X')
  const [own = ''] = filled.split(/\s*(?:[;|)<>…]|&&|\d?>| #)/)
  return own.split(' ').filter(word => word !== '')
}
