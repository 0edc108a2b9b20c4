/**
 * Builds what of `mooring/testing` the bundle of the server lacks: its declarations, and the same as CommonJS, which is what
 * Jest loads. Called by `server-package.ts`.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { emitDeclarations } from './client-declarations.ts'

const ENTRY = 'server/testing'
/** The program that it starts, as the source and as the package name it. */
const STARTED = { source: "'main.ts'", built: "'main.js'" } as const

/** Writes them beside the server's files in a folder. */
export async function buildTesting(root: string, folder: string): Promise<void> {
  const emitted = await mkdtemp(join(root, 'node_modules/.declarations-'))
  try {
    await emitDeclarations(root, [`${ENTRY}.ts`], emitted)
    for (const ending of ['.d.ts', '.d.cts'])
      await copyFile(join(emitted, `${ENTRY}.d.ts`), join(folder, `${ENTRY}${ending}`))
  } finally {
    await rm(emitted, { recursive: true, force: true })
  }
  const build = await rolldown({
    cwd: root,
    input: `${ENTRY}.ts`,
    platform: 'node',
    external: /^node:/,
    plugins: [{ name: 'built-program', transform: code => code.replace(STARTED.source, STARTED.built) }],
  })
  await build.write({ file: join(folder, `${ENTRY}.cjs`), format: 'cjs' })
  await build.close()
}
