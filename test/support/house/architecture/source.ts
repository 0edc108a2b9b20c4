/**
 * A parsed source file, and the form in which every rule of the architecture reports a violation.
 *
 * Used by the other files of this folder and by `test/house/architecture.test.ts`.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Comment, type Program, parseSync } from 'oxc-parser'

/** One parsed file. `path` is relative to the repository, with `/`. */
export interface Source {
  readonly path: string
  readonly text: string
  readonly program: Program
  readonly comments: readonly Comment[]
  /** Line of an offset, from 1. */
  lineOf(offset: number): number
}

/** One violation of one rule. */
export interface Violation {
  readonly file: string
  readonly line: number
  readonly rule: string
  readonly detail: string
}

/** A violation as text: `file:line rule: detail`. */
export function sentence({ file, line, rule, detail }: Violation): string {
  return `${file}:${line} ${rule}: ${detail}`
}

/** Parses a text as the file `path`. Throws on a syntax error: an unreadable file must not pass. */
export function sourceOf(path: string, text: string): Source {
  const { program, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  const starts = [0, ...[...text.matchAll(/\n/g)].map(found => found.index + 1)]
  const lineOf = (offset: number): number => starts.findLastIndex(start => start <= offset) + 1
  return { path, text, program, comments, lineOf }
}

/** Reads all TypeScript files of the given folders, sorted by path. Skips `node_modules`. */
export async function readSources(root: string, folders: readonly string[]): Promise<Source[]> {
  const lists = await Promise.all(folders.map(folder => listFiles(root, folder)))
  const paths = lists.flat().filter(path => /\.tsx?$/.test(path) && !path.includes('node_modules/'))
  return Promise.all(paths.sort().map(async path => sourceOf(path, await readFile(join(root, path), 'utf8'))))
}

/** Lists the files under a folder as paths relative to the repository; none if the folder does not exist. */
export async function listFiles(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => [])
  const names = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  return names.map(name => name.slice(join(root, '/').length).replaceAll('\\', '/'))
}

/** True for the tests and their support, from which some rules exempt. */
export function isTest(path: string): boolean {
  return path.startsWith('test/')
}

/** True for a file of tests proper. */
export function isTestFile(path: string): boolean {
  return path.endsWith('.test.ts')
}
