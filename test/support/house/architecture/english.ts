/**
 * Patterns of comments that a native engineer would not write: a sentence whose subject is *what*, *who* or *where* names nothing,
 * a person is *they*, and some words are translations. Only patterns that a program can find without false alarms; the
 * exceptions are phrases, each with its reason.
 */
import type { Source, Violation } from './source.ts'

const PATTERNS: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/(?:^|[.:!] )(?:What|Whoever|Who|Where) [a-z`]/, 'name the thing: no sentence opens with what, who or where'],
  [/^How far [a-z]/, 'name the thing: its progress, state or difference'],
  [/\b(?:he|him|his|himself|she|her|hers)\b/i, 'a person is they'],
  [/\bof (?:ours|yours)\b/, '"our", or the name of the thing'],
  [/^The same\.$|^As above\.$/, 'name the thing'],
  // Words of a translation.
  [/\banew\b/i, '"again", or "a new …"'],
  [/\bwho(?:ever|sever|soever)\b/i, 'name the person or program'],
  [/\b(?:is|are|was|were) told\b/i, 'name the verb: reports, prints, names, notifies'],
  [/\botherwise than\b/i, '"except", or "differently from"'],
]

/** Reports each comment with such a pattern. */
export function checkEnglish(source: Source): Violation[] {
  return source.comments.flatMap(({ value, start }) => {
    const text = value
      .replace(/^\*/, '')
      .replaceAll(/\n\s*\*/g, ' ')
      .replaceAll(/`[^`]*`/g, '`')
      .replaceAll(/\s+/g, ' ')
      .trim()
    return PATTERNS.flatMap(([pattern, instead]) => {
      const found = pattern.exec(text)?.[0]
      if (found === undefined) return []
      return [
        { file: source.path, line: source.lineOf(start), rule: 'english', detail: `"${found.trim()}": ${instead}` },
      ]
    })
  })
}
