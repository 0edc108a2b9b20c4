/**
 * How a dialling process is confined: V8's heap is capped below the cap on the whole, and Node's permission model leaves
 * it no file to write, none to read but our code, no program to start, no thread and no native add-on.
 *
 * Called by `dial-process.ts`.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Arguments for Node. `maxRssBytes` caps the whole process; the part of V8's old generation is half of it. */
export function childArguments(maxRssBytes: number): string[] {
  const here = dirname(fileURLToPath(import.meta.url))
  return [
    `--max-old-space-size=${Math.floor(maxRssBytes / 2 / (1 << 20))}`,
    '--max-semi-space-size=8',
    '--disable-proto=delete',
    '--permission',
    ...readable(dirname(dirname(here))).map(path => `--allow-fs-read=${path}`),

    join(here, 'dial-child.ts'),
  ]
}

/** Our code and the packages, wherever they are installed. Not the folder around them, where keyrings may lie. */
function readable(root: string): string[] {
  const pg = createRequire(import.meta.url).resolve('pg')
  const packages = pg.slice(0, pg.lastIndexOf('node_modules') + 'node_modules'.length)
  return [...['package.json', 'shared', 'server'].map(name => join(root, name)), packages]
}
