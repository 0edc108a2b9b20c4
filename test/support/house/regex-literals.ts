/**
 * Every regular expression that the product has: literals, and the `new RegExp` whose text is not known before it runs.
 */
import { parseSync, Visitor } from 'oxc-parser'
import type { Source } from '#test/support/house/architecture/source.ts'

/** One of them, and where it is. */
export interface FoundRegex {
  readonly place: string
  /** Null for one that is made while the program runs. */
  readonly pattern: string | null
  readonly flags: string
}

/** Those of one file. */
export function regexesOf({ path, text }: Pick<Source, 'path' | 'text'>): FoundRegex[] {
  const found: FoundRegex[] = []
  const { program } = parseSync(path, text)
  const place = (offset: number) => `${path}:${text.slice(0, offset).split('\n').length}`
  new Visitor({
    Literal(node) {
      if ('regex' in node && node.regex) found.push({ place: place(node.start), ...node.regex })
    },
    NewExpression(node) {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'RegExp') return
      const [first, second] = node.arguments
      const pattern = first?.type === 'Literal' && typeof first.value === 'string' ? first.value : null
      const flags = second?.type === 'Literal' && typeof second.value === 'string' ? second.value : ''
      found.push({ place: place(node.start), pattern, flags })
    },
  }).visit(program)
  return found
}
