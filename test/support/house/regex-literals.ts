/**
 * Every regular expression of the product:
 * literals, and each `new RegExp` whose text is computed at run time.
 */
import { parseSync, Visitor } from 'oxc-parser'
import type { Source } from '#test/support/house/architecture/source.ts'

/** One expression, and its place. */
export interface FoundRegex {
  readonly place: string
  /** Null for one that is built at run time. */
  readonly pattern: string | null
  readonly flags: string
}

/** The expressions of one file. */
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
