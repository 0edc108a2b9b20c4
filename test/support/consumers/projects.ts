/**
 * The consumers: Vite's React template as `create-vite` writes it, with the provider and the component of
 * `docs/client.md`; a program that TypeScript emits; and a package that is unrelated to Mooring.
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const TYPESCRIPT_5 = 'npm:typescript@5.9.3'
const TYPESCRIPT_7 = 'npm:typescript@7.0.2'

/** Versions of the packages that consumers install alongside Mooring. */
export interface Versions {
  readonly trpc: string
  readonly tanstack: string
  readonly query: string
  readonly vitest: string
  readonly pg: string
}

/**
 * Writes Vite's template into a folder, unchanged except for one element on its page. `template` is its folder in
 * `create-vite`.
 */
export async function writeWeb(
  folder: string,
  { template, guide, client, versions }: { template: string; guide: string; client: string; versions: Versions },
): Promise<void> {
  await cp(template, folder, { recursive: true })
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  manifest.name = 'web'
  const { tanstack, query, vitest } = versions
  // The adapter accepts only its own version of tRPC.
  const trpcs = { '@trpc/client': tanstack, '@trpc/server': tanstack, '@trpc/tanstack-react-query': tanstack }
  Object.assign(manifest.dependencies, { 'mooring-client': client, ...trpcs, '@tanstack/react-query': query })
  // A linked folder has its own tRPC, whose types differ from the adapter's; injection makes pnpm use the page's tRPC.
  if (client.startsWith('workspace:')) manifest.dependenciesMeta = { 'mooring-client': { injected: true } }
  Object.assign(manifest.devDependencies, { vitest, 'typescript-5': TYPESCRIPT_5 })
  const main = await readFile(join(folder, 'src/main.tsx'), 'utf8')
  const [provider = '', component = ''] = [...guide.matchAll(/```tsx\n([\s\S]*?)```/g)].map(([, code = '']) => code)
  const only = (name: string, sources: readonly string[]) =>
    JSON.stringify({
      extends: './tsconfig.app.json',
      compilerOptions: { tsBuildInfoFile: `./node_modules/.tmp/${name}.tsbuildinfo` },
      include: sources,
    })
  await writeFiles(folder, {
    'package.json': JSON.stringify(manifest, null, 2),
    'src/main.tsx': main
      .replace(
        "import App from './App.tsx'\n",
        "import App from './App.tsx'\nimport { App as Mooring } from './mooring.tsx'\n",
      )
      .replace('<App />', '<App />\n    <Mooring />'),
    'src/mooring.tsx': `${MOORING_HEAD}${provider.replace('const App = () => ', 'const Provided = () => ')}${component}${MOORING_TAIL}`,
    'src/call.ts': CALL,
    'src/mooring.test.ts': VITEST,
    'src/entry-server.tsx': SERVER_SIDE,
    'tsconfig.plain.json': only('plain', ['src/App.tsx']),
    'tsconfig.call.json': only('call', ['src/App.tsx', 'src/call.ts']),
  })
}

/**
 * Writes a program that TypeScript emits with declarations. It skips the check of other declarations, as `tsc --init`
 * configures it, because those of tRPC 11.22.1 import types of `ws`, which is not installed.
 */
export async function writeApi(
  folder: string,
  { client, versions }: { client: string; versions: Versions },
): Promise<void> {
  const { trpc, pg } = versions
  const dependencies = { 'mooring-client': client, '@trpc/client': trpc, '@trpc/server': trpc, pg }
  const devDependencies = {
    'typescript-5': TYPESCRIPT_5,
    'typescript-7': TYPESCRIPT_7,
    '@types/node': '^24.0.0',
    '@types/pg': '^8.0.0',
  }
  const options = { target: 'es2023', lib: ['es2023', 'dom'], strict: true, types: ['node'], skipLibCheck: true }
  const emit = { rootDir: 'src', outDir: 'dist', declaration: true }
  const config = (compilerOptions: object) => JSON.stringify({ compilerOptions, include: ['src'] })
  await writeFiles(folder, {
    'package.json': JSON.stringify(
      { name: 'api', private: true, type: 'module', dependencies, devDependencies },
      null,
      2,
    ),
    'tsconfig.nodenext.json': config({ ...options, ...emit, module: 'nodenext' }),
    'tsconfig.bundler.json': config({ ...options, noEmit: true, module: 'esnext', moduleResolution: 'bundler' }),
    'src/index.ts': API,
  })
}

/** Writes a package that declares the Node version for its scripts. */
export function writeOther(folder: string): Promise<void> {
  const scripts = { which: 'node -p process.versions.node' }
  return writeFiles(folder, { 'package.json': JSON.stringify({ name: 'other', private: true, scripts }) })
}

/** Writes a package with the server as a dependency. */
export function writeOps(folder: string, server: string): Promise<void> {
  const manifest = { name: 'ops', private: true, dependencies: { mooring: server } }
  return writeFiles(folder, { 'package.json': JSON.stringify(manifest) })
}

/** Writes texts to their paths. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

const MOORING_HEAD = `import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import { createTRPCContext } from '@trpc/tanstack-react-query'
import { type AppRouter, createClient } from 'mooring-client'

const url: string = import.meta.env.VITE_MOORING_URL
const sessionKey = (): string => import.meta.env.VITE_MOORING_KEY
export const queryClient = new QueryClient()

`
const MOORING_TAIL = `
export { trpcClient }
export const App = () => <QueryClientProvider client={queryClient}><Provided /></QueryClientProvider>
`

const CALL = `import { createClient, type Outputs } from 'mooring-client'

export const mooring = createClient({ url: 'http://localhost', key: '' })
export const first = async (): Promise<Outputs['datasources']['get'] | undefined> =>
  (await mooring.datasources.list.query({ limit: 1 })).items[0]
`

const VITEST = `import { createClient } from 'mooring-client'
import { expect, it } from 'vitest'

it('calls', async () => {
  const mooring = createClient({ url: import.meta.env.VITE_MOORING_URL, key: import.meta.env.VITE_MOORING_KEY })
  const { items } = await mooring.datasources.list.query({})
  expect(items[0]?.status).toBe('active')
})
`

const SERVER_SIDE = `import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import type { AppRouter } from 'mooring-client'
import { renderToString } from 'react-dom/server'
import { App, queryClient, trpcClient } from './mooring.tsx'

const trpc = createTRPCOptionsProxy<AppRouter>({ client: trpcClient, queryClient })
await queryClient.prefetchQuery(trpc.datasources.list.queryOptions({ limit: 20 }))
console.log(renderToString(<App />))
`

const API = `import { createClient, faultOf, sealConnectionString } from 'mooring-client'
import { createEndpoint } from 'mooring-client/endpoint'
import { type LeaseOptions, withDatasource } from 'mooring-client/node'

const { MOORING_URL = '', MOORING_KEY = '', SAMPLE = '' } = process.env
export const mooring = createClient({ url: MOORING_URL, key: async () => MOORING_KEY, timeoutMs: 30_000 })
export const register = (connectionString: string) =>
  mooring.datasources.register.mutate({ connectionString, waitSeconds: 20 })
export const lease = (id: LeaseOptions['id']) =>
  withDatasource(mooring, { id, verifyKeys: [] }, async pool => (await pool.query('select 1 as one')).rows)
export const endpoint = createEndpoint({ signingKey: 'of this program alone', events: async () => ({ events: [] }) })

const made = await register(SAMPLE)
const box = await sealConnectionString(SAMPLE, await mooring.organization.sealingKey.query())
const refused = await mooring.datasources.get.query({ id: \`ds_test_\${'0'.repeat(32)}\` }).catch(faultOf)
const unleased = await lease(made.id).catch((error: Error) => error.message)
const unsigned = await endpoint(new Request('http://localhost/mooring', { method: 'POST', body: '{}' }))
console.log(JSON.stringify([made.status, box.host, refused, unleased, unsigned.status]))
`
