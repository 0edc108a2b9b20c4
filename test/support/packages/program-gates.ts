/**
 * The programs of the built package `mooring`, as an operator's unit or image starts them: each checks the version of
 * Node and then loads the real program. A Node that is too old could not even parse that program, and would report a
 * syntax error. Called by `server-package.ts`; a checkout has `server/run.sh` instead.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder of the real programs in the package. */
const FOLDER = 'server/programs'
const GATED = ['server/main', 'server/web', 'server/worker', 'server/cli']

/** Returns where the build writes the program of an entry, without its extension. */
export function builtPlace(entry: string): string {
  return GATED.includes(entry) ? `${FOLDER}/${entry.slice('server/'.length)}` : entry
}

/** Writes a gate in place of each program, in a syntax that every Node with modules understands. */
export async function writeGates(folder: string, oldestNode: number): Promise<void> {
  for (const entry of GATED) {
    const real = `./programs/${entry.slice('server/'.length)}.js`
    const text = `// Node's version first: the program itself is in words that an older one does not know.
if (Number.parseInt(process.versions.node, 10) < ${oldestNode}) {
  process.stderr.write('Mooring requires Node ${oldestNode} or newer, and this is Node ' + process.versions.node + '. Install it from https://nodejs.org\\n')
  process.exitCode = 1
} else {
  await import('${real}')
}
`
    await writeFile(join(folder, `${entry}.js`), text)
  }
}
