/**
 * The owner of each library: the closed table of packages and of Node's modules that reach out of the process.
 *
 * A library with one owner can be replaced, and a socket that only `net` can open needs to be guarded in one place. A
 * package outside the table is a violation: adding one is a decision.
 */
import { Visitor } from 'oxc-parser'
import { zoneOf } from './arrows.ts'
import { type Import, importsOf } from './imports.ts'
import { isTest, type Source, type Violation } from './source.ts'

type Owners = readonly string[]

/** The client's files that run in Node alone; `index.ts` reaches none of them. */
const NODE_CLIENT = [
  'client/node.ts',
  'client/node/lease-renewal.ts',
  'client/node/leased-client.ts',
  'client/node/leased-place.ts',
  'client/node/tls-offer.ts',
]

/** Package → zones of the table, or single files, that may import it. */
const PACKAGES: Readonly<Record<string, Owners>> = {
  '@base-ui/react': ['client/console'],
  '@dagrejs/dagre': ['client/console'],
  '@fontsource-variable/geist': ['client/console'],
  '@fontsource-variable/geist-mono': ['client/console'],
  '@opentelemetry/api': ['tracing'],
  '@tanstack/react-query': ['client/console'],
  '@tanstack/react-router': ['client/console'],
  '@tanstack/react-virtual': ['client/console'],
  '@xyflow/react': ['client/console'],
  '@trpc/tanstack-react-query': ['client/console'],
  '@trpc/client': ['client', 'client/cli', 'client/console'],
  '@trpc/server': ['api', 'rest', 'wiring-web'],
  // The client's links are observables of this package, on which `@trpc/client` itself runs.
  '@trpc/server/observable': ['client'],
  commander: ['operator'],
  'chart.js': ['client/console'],
  eventsource: ['client'],
  express: ['rest', 'wiring-web'],
  helmet: ['rest', 'wiring-web'],
  'ipaddr.js': ['domain'],
  kysely: ['store'],
  'lucide-react': ['client/console'],
  'libsodium-wrappers': ['seal', 'client'],
  pg: ['store', 'net', 'embedded', ...NODE_CLIENT],
  pino: ['log'],
  'prom-client': ['metrics'],
  'rate-limiter-flexible': ['api'],
  react: ['client/console'],
  'react-dom': ['client/console'],
  zod: [
    'shared',
    'domain',
    'store',
    'seal',
    'net',
    'api',
    'work',
    'rest',
    'config',
    'root',
    'embedded',
    'client',
    'client/cli',
  ],
  'zod-openapi': ['rest'],
}

/** Package → zones that may name its types, which are erased before the program runs. */
const TYPES: Readonly<Record<string, Owners>> = {
  // The result type of `createClient` is inferred from the router.
  '@trpc/server': ['client', 'client/cli', 'client/console'],
}

const ENTRIES = ['entry main', 'entry web', 'entry worker', 'wiring-web', 'wiring-worker', 'root']

/** Modules of Node that start processes or reach the network → who may import them. */
const BUILTINS: Readonly<Record<string, Owners>> = {
  child_process: ['net', 'embedded', 'entry testing', 'server/process/keyring-source.ts'],
  cluster: [],
  dgram: ['net'],
  dns: ['net'],
  'dns/promises': ['net'],
  http: [...ENTRIES, 'rest', 'net'],
  http2: [],
  https: ['net'],
  inspector: [],
  net: ['net', 'embedded', ...NODE_CLIENT],
  tls: ['net', ...NODE_CLIENT],
  vm: [],
  worker_threads: [
    'net',
    'server/process/watchdog.ts',
    'server/process/watchdog-thread.ts',
    'server/api/schemas/reader/snapshot-reader.ts',
    'server/api/schemas/reader/read-part.ts',
  ],
}

/** Zones without Node: vocabulary and decisions do no I/O, and a browser has none. */
const WITHOUT_NODE = ['shared', 'domain', 'client', 'client/console']

/** Reports packages and modules that their importer does not own, and `fetch` on the server outside of `net`. */
export function checkOwnership(source: Source): Violation[] {
  if (isTest(source.path)) return []
  const imports = importsOf(source).flatMap(found => {
    return owns(source.path, found) ? [] : [violation(source, found.line, found.target.name)]
  })
  return [...imports, ...checkFetch(source)]
}

function owns(path: string, { target: { kind, name }, typeOnly }: Import): boolean {
  const zone = zoneOf(path) ?? ''
  // An example is a program in the reader's own project.
  if (kind === 'file' || zone === 'client/examples') return true
  const mayName = typeOnly ? (TYPES[name] ?? []) : []
  const owners = kind === 'package' ? [...(PACKAGES[name] ?? []), ...mayName] : BUILTINS[name]
  if (owners === undefined) return !WITHOUT_NODE.includes(zone) || NODE_CLIENT.includes(path)
  // The shape of an address opens no socket.
  return owners.includes(zone) || owners.includes(path) || (kind === 'builtin' && typeOnly && zone.startsWith('wiring'))
}

function checkFetch(source: Source): Violation[] {
  const found: Violation[] = []
  if (!source.path.startsWith('server/') || zoneOf(source.path) === 'net') return found
  new Visitor({
    CallExpression: ({ callee, start }) => {
      if (callee.type === 'Identifier' && callee.name === 'fetch')
        found.push(violation(source, source.lineOf(start), 'fetch'))
    },
  }).visit(source.program)
  return found
}

function violation({ path }: Source, line: number, name: string): Violation {
  return { file: path, line, rule: 'ownership', detail: `${name} does not belong here; ownership.ts says where` }
}
