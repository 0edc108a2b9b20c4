/**
 * The code blocks of a Markdown document, and the commands of its `console` blocks, for the tests that run them.
 */

/** A block between fences. */
export interface Block {
  readonly language: string
  readonly text: string
}

/** A line that begins with `$ `, its continuation lines joined, and the lines that it prints. */
export interface Command {
  readonly command: string
  readonly printed: string
}

/** The blocks, in order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({
    language: language ?? '',
    text: text ?? '',
  }))
}

/** The commands of all `console` blocks, in order. */
export function commandsOf(blocks: readonly Block[]): Command[] {
  return blocks
    .filter(({ language }) => language === 'console')
    .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
    .map(text => {
      const [, command, printed] = /^((?:.*\\\n)*.*)\n?([\s\S]*)$/.exec(text) ?? []
      return { command: command ?? '', printed: (printed ?? '').trim() }
    })
}

/** The text with its ids normalised, up to the ellipsis of the document. */
export function comparable(text: string): string {
  return (text.split('…')[0] ?? '')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replace(/ds_test_[0-9a-f]{32}/g, '<id>')
}
