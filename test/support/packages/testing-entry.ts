/**
 * Builds the parts of `mooring/testing` beyond the server bundle: its declarations, a CommonJS version for Jest, and
 * the program that it starts as a single file with all packages, which loads in half the time. Called by
 * `server-package.ts`.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'
import { emitDeclarations } from './client-declarations.ts'
import { placesOfSources } from './source-places.ts'

const ENTRY = 'server/testing'
/** The program that it starts, under its names in the source and in the package. */
const PROGRAM = { source: "'main.ts'", built: "'testing-main.js'" } as const

/** Replaces the entry's own program. */
const builtProgram: Plugin = {
  name: 'built-program',
  transform: code => code.replace(PROGRAM.source, PROGRAM.built),
}

/** Writes everything next to the server's files in a folder, and returns the modules of the program. */
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
    // `pg` has optional native code, which is not used here.
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
