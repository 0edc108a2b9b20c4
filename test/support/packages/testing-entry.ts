/**
 * Builds what `mooring/testing` needs beside the bundle of the server: its declarations; the same as CommonJS, which is what Jest
 * loads; and the program that it starts as one file with all packages in it, which is loaded in half the time. Called by
 * `server-package.ts`.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'
import { emitDeclarations } from './client-declarations.ts'
import { placesOfSources } from './source-places.ts'

const ENTRY = 'server/testing'
/** The program that it starts, as the source and as the package name it. */
const PROGRAM = { source: "'main.ts'", built: "'testing-main.js'" } as const

/** In the place of the entry's own program. */
const builtProgram: Plugin = {
  name: 'built-program',
  transform: code => code.replace(PROGRAM.source, PROGRAM.built),
}

/** Writes all of it beside the server's files in a folder, and returns the modules of the program. */
export async function buildTesting(root: string, folder: string): Promise<readonly OutputChunk[]> {
  await writeDeclarations(root, folder)
  const formats = [
    ['esm', '.js'],
    ['cjs', '.cjs'],
  ] as const
  for (const [format, ending] of formats) {
    const build = await rolldown({
      cwd: root,
      input: `${ENTRY}.ts`,
      platform: 'node',
      external: /^node:/,
      plugins: [builtProgram],
    })
    await build.write({ file: join(folder, `${ENTRY}${ending}`), format })
    await build.close()
  }
  return buildProgram(root, folder)
}

async function writeDeclarations(root: string, folder: string): Promise<void> {
  const emitted = await mkdtemp(join(root, 'node_modules/.declarations-'))
  try {
    await emitDeclarations(root, [`${ENTRY}.ts`], emitted)
    for (const ending of ['.d.ts', '.d.cts'])
      await copyFile(join(emitted, `${ENTRY}.d.ts`), join(folder, `${ENTRY}${ending}`))
  } finally {
    await rm(emitted, { recursive: true, force: true })
  }
}

async function buildProgram(root: string, folder: string): Promise<OutputChunk[]> {
  const build = await rolldown({
    cwd: root,
    input: { [`${ENTRY}-main`]: 'server/main.ts' },
    platform: 'node',
    // Native code for `pg`, which is an option that nobody here takes.
    external: id => isBuiltin(id) || id === 'pg-native',
    plugins: [placesOfSources(root)],
    logLevel: 'silent',
  })
  const { output } = await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    codeSplitting: false,
    minify: { compress: true, mangle: false, codegen: true },
  })
  await build.close()
  return output.filter(file => file.type === 'chunk')
}
