/**
 * Patterns of comments and texts that a native engineer would not write: a sentence whose subject is *what*, *who* or
 * *where* names nothing, a person is *they*, and some words are translations. Only patterns that a program can find
 * without false alarms.
 */
import { Visitor } from 'oxc-parser'
import type { Source, Violation } from './source.ts'

const PATTERNS: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/(?:^|[.:!] )(?:What|Whoever|Who|Where) [a-z`]/, 'name the thing: no sentence opens with what, who or where'],
  [/^How far [a-z]/, 'name the thing: its progress, state or difference'],
  [/\b(?:he|him|his|himself|she|her|hers)\b/i, 'a person is they'],
  [/^The same\.$|^As above\.$/, 'name the thing'],
]

/** Words of a translation, in comments and in texts. */
const TRANSLATED: typeof PATTERNS = [
  [/\bof (?:ours|yours)\b/, '"our", or the name of the thing'],
  [/\banew\b/i, '"again", or "a new …"'],
  [/\bwho(?:ever|sever|soever)\b/i, 'name the person or program'],
  [/\b(?:is|are|was|were) told\b/i, 'name the verb: reports, prints, names, notifies'],
  [/\botherwise than\b/i, '"except", or "differently from"'],
]

/** Reports each comment, and each literal text, with such a pattern. */
export function checkEnglish(source: Source): Violation[] {
  const comments = source.comments.flatMap(({ value, start }) => {
    const text = value
      .replace(/^\*/, '')
      .replaceAll(/\n\s*\*/g, ' ')
      .replaceAll(/`[^`]*`/g, '`')
      .replaceAll(/\s+/g, ' ')
      .trim()
    return found(source, { text, start }, [...PATTERNS, ...TRANSLATED])
  })
  return [...comments, ...textsOf(source).flatMap(text => found(source, text, TRANSLATED))]
}

interface Text {
  readonly text: string
  readonly start: number
}

function found(source: Source, { text, start }: Text, patterns: typeof PATTERNS): Violation[] {
  return patterns.flatMap(([pattern, instead]) => {
    const words = pattern.exec(text)?.[0]
    if (words === undefined) return []
    return [{ file: source.path, line: source.lineOf(start), rule: 'english', detail: `"${words.trim()}": ${instead}` }]
  })
}

/** The literal texts of a file; none of the file that tries these patterns. */
function textsOf({ path, program }: Source): Text[] {
  const texts: Text[] = []
  if (path === 'test/house/architecture.test.ts') return texts
  new Visitor({
    Literal: ({ value, start }) => void (typeof value === 'string' && texts.push({ text: value, start })),
    TemplateElement: ({ value, start }) => void texts.push({ text: value.raw, start }),
    JSXText: ({ value, start }) => void texts.push({ text: value, start }),
  }).visit(program)
  return texts
}
