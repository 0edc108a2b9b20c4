/**
 * Builds `mooring-client`: JavaScript for browsers and Node 20, and declarations with nothing left to infer. It
 * contains nothing of the server, and no schema but those for reading a lease. Called by `build.ts`.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { buildDeclarations } from './client-declarations.ts'
import { CLIENT_ENTRIES } from './client-entries.ts'
import { type Manifest, packagesIn, rangesOf, readManifest, writePapers } from './manifest.ts'

/** Packages that a consumer already has, or must have only once. */
const PEERS = ['@trpc/client', '@trpc/server']
const ADAPTER = '@trpc/tanstack-react-query'
/** Packages that only `/node` needs. */
const OPTIONAL_PEERS = ['pg']

/** Builds the package in a folder. */
export async function buildClient(root: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const imports = await bundle(root, folder)
  await buildDeclarations(root, folder)
  const manifest = await readManifest(root)
  const peers = [...PEERS, ...OPTIONAL_PEERS]
  const own = packagesIn(imports).filter(name => !peers.includes(name))
  await writePapers(root, folder, {
    manifest: {
      name: 'mooring-client',
      description: 'Typed client of Mooring: procedures, client-side sealing, leases, and signed endpoints',
      engines: { node: '>=20' },
      sideEffects: false,
      files: ['*.js', '*.d.ts', 'chunks', 'types'],
      exports: {
        '.': entry('index'),
        './node': entry('node'),
        './endpoint': entry('endpoint'),
        './package.json': './package.json',
      },
      // The declarations of `/node` mention its types, and in a workspace they are found only next to the package.
      dependencies: rangesOf(manifest, [...own, '@types/pg']),
      peerDependencies: { ...rangesOf(manifest, peers), ...trpcRanges(manifest) },
      peerDependenciesMeta: Object.fromEntries(OPTIONAL_PEERS.map(name => [name, { optional: true }])),
    },
    readme: await readFile(join(root, 'docs/client.md'), 'utf8'),
  })
}

/**
 * TanStack Query's adapter requires exactly its own version of tRPC, which is an older one: a page with both has that
 * one.
 */
function trpcRanges({ devDependencies }: Manifest): Record<string, string> {
  return Object.fromEntries(PEERS.map(name => [name, `^${devDependencies[ADAPTER]}`]))
}

function entry(name: string) {
  return { types: `./${name}.d.ts`, default: `./${name}.js` }
}

async function bundle(root: string, folder: string): Promise<Set<string>> {
  const build = await rolldown({
    cwd: root,
    input: CLIENT_ENTRIES,
    // The client uses a few functions of `shared`; the other exports create schemas, which the client does not need.
    treeshake: { moduleSideEffects: false },
    external: /^(?![#./])/,
    platform: 'neutral',
  })
  const { output } = await build.write({ dir: folder, format: 'esm', chunkFileNames: 'chunks/[name].js' })
  await build.close()
  const names = new Set(output.map(file => file.fileName))
  const imports = output.flatMap(file => (file.type === 'chunk' ? [...file.imports, ...file.dynamicImports] : []))
  return new Set(imports.filter(id => !names.has(id)))
}
