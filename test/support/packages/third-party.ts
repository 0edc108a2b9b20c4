/**
 * Collects the licences of packages bundled into a built package, most of which require their text to be included.
 * Called by `server-package.ts`.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'

const Package = z.object({ name: z.string(), version: z.string(), license: z.string() })
const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i

/** Writes `THIRD-PARTY.txt`. Throws for a package without a licence text. */
export async function writeThirdParty(root: string, folder: string, modules: readonly string[]): Promise<void> {
  const places = new Set(modules.flatMap(id => placeOf(root, id) ?? []))
  const texts = await Promise.all([...places].sort().map(place => licenceOf(join(root, place))))
  await writeFile(join(folder, 'THIRD-PARTY.txt'), `${HEAD}\n${texts.join('\n')}`)
}

/** Returns the folder of the package that contains a module; null for our own modules. */
function placeOf(root: string, id: string): string | null {
  const parts = relative(root, id.replace(/^\0/, '')).split(sep)
  const at = parts.lastIndexOf('node_modules')
  if (at < 0) return null
  const length = parts[at + 1]?.startsWith('@') === true ? 3 : 2
  return parts.slice(0, at + length).join('/')
}

async function licenceOf(place: string): Promise<string> {
  const { name, version, license } = Package.parse(JSON.parse(await readFile(join(place, 'package.json'), 'utf8')))
  const all = await readdir(place)
  const files = all.filter(file => LICENCE_FILE.test(file)).sort()
  const texts = await Promise.all(files.map(file => readFile(join(place, file), 'utf8')))
  if (texts.length === 0) texts.push(await licenceInReadme(join(place, 'README.md')))
  if (!/copyright|permission/i.test(texts.join(''))) throw new Error(`${name} ${version} has no text of its licence`)
  return `${'='.repeat(80)}\n${name} ${version} (${license})\n\n${texts.map(text => text.trim()).join('\n\n')}\n`
}

/** Some packages have it at the end of their README, below a heading. */
async function licenceInReadme(path: string): Promise<string> {
  const text = await readFile(path, 'utf8')
  return /^#+ licen[cs]e\s*$([\s\S]*)/im.exec(text)?.[1] ?? ''
}

const HEAD = 'The files of this package contain parts of the following packages.\n'
