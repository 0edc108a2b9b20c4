/**
 * Reads the tab-separated files of `test/vectors`: one row per line, with the names from the first line that is not a
 * comment.
 */
import { readFileSync } from 'node:fs'

/** The rows of a file. A missing column is empty; `\t \r \n \\` are not unescaped. */
export function readVectors(name: string): Record<string, string>[] {
  const text = readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8')
  const [head = '', ...lines] = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const columns = head.split('\t')
  return lines.map(line => {
    const cells = line.split('\t')
    return Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? '']))
  })
}

/** Unescapes `\t`, `\r`, `\n` and `\\` in a text. */
export function unescapeVector(text: string): string {
  const meanings: Record<string, string> = { t: '\t', r: '\r', n: '\n', '\\': '\\' }
  return text.replace(/\\([trn\\])/g, (_, letter: string) => meanings[letter] ?? letter)
}
