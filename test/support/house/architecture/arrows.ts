/**
 * The layers as a table: which part of the tree may import which. Any arrow that the table does not allow is a
 * violation, as is an unknown folder.
 *
 * Types count like values, since a type that travels upward ties the layers together as firmly.
 */
import { type Import, importsOf } from './imports.ts'
import { isTest, type Source, type Violation } from './source.ts'

const BELOW_API = ['store', 'seal', 'domain', 'shared', 'tracing']
const ROOT = ['config', 'log', 'root', 'metrics']
const EVERY_LAYER = [...BELOW_API, 'net', 'api', 'work', 'rest']

/** Zone → zones that it may import beside itself. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  domain: ['shared'],
  store: ['domain', 'shared', 'tracing'],
  // The table of metrics: made by the wiring; layers name the type of what counts.
  metrics: ['domain', 'shared'],
  // It imports nothing from our own code.
  tracing: [],
  seal: ['domain', 'shared'],
  net: ['domain', 'shared'],
  api: BELOW_API,
  work: [...BELOW_API, 'net'],
  rest: ['api', 'domain', 'shared', 'tracing'],
  config: ['domain', 'shared'],
  log: ['shared'],
  embedded: ['shared'],
  root: [...BELOW_API, ...ROOT],
  'wiring-web': [...BELOW_API, ...ROOT, 'api', 'rest'],
  'wiring-worker': [...BELOW_API, ...ROOT, 'net', 'work'],
  operator: [...BELOW_API, 'client/cli'],
  // It describes all of them, and none of them imports it.
  limits: [...EVERY_LAYER, ...ROOT, 'client', 'wiring-web', 'wiring-worker'],
  local: [...BELOW_API, ...ROOT, 'embedded', 'operator'],
  'entry main': [...BELOW_API, ...ROOT, 'local', 'wiring-web', 'wiring-worker'],
  'entry web': [...BELOW_API, ...ROOT, 'wiring-web'],
  'entry worker': [...BELOW_API, ...ROOT, 'wiring-worker'],
  // A worker process for one task.
  'entry quarantine': [...BELOW_API, ...ROOT, 'wiring-worker'],
  // These start others by their path.
  'entry mooring': [],
  'entry testing': [],
  'entry cli': [...BELOW_API, ...ROOT, 'local', 'operator', 'client/cli'],
  client: ['shared'],
  'client/cli': ['client', 'shared'],
  'client/console': ['client', 'shared'],
  'client/examples': ['client', 'shared'],
}

const LAYERS = ['domain', 'store', 'seal', 'net', 'api', 'work', 'rest', 'operator', 'limits', 'metrics', 'tracing']
const ROOT_FOLDERS = ['process']
const ROUTER = 'server/api/router.ts'
// A logger arrives as an argument; only its type is imported from here.
const LOG = 'server/log.ts'
// So does what counts.
const METER = 'server/metrics/meter.ts'

/** Returns the zone of a file; null when the table has no place for it. */
export function zoneOf(path: string): string | null {
  const [top = '', second = '', third] = path.split('/')
  if (top === 'shared') return 'shared'
  if (top === 'client') return third === undefined ? 'client' : knownClient(second)
  if (top !== 'server') return null
  if (second === 'standalone') return standaloneZone(path)
  if (second === 'settings') return 'config'
  if (third !== undefined) return LAYERS.includes(second) ? second : ROOT_FOLDERS.includes(second) ? 'root' : null
  const name = second.replace(/\.tsx?$/, '')
  if (['main', 'web', 'worker', 'quarantine', 'cli', 'mooring', 'testing'].includes(name)) return `entry ${name}`
  if (['env', 'own-url'].includes(name)) return 'config'
  if (['config', 'log', 'wiring-web', 'wiring-worker'].includes(name)) return name
  return 'root'
}

function standaloneZone(path: string): string {
  if (path.startsWith('server/standalone/embedded/')) return 'embedded'
  const name = path.slice('server/standalone/'.length).replace(/\.tsx?$/, '')
  if (['standalone', 'throwaway/throwaway'].includes(name)) return 'local'
  const isOfServer = name === 'demo-database' || (name.startsWith('throwaway/') && name !== 'throwaway/starter')
  return isOfServer ? 'embedded' : 'root'
}

function knownClient(folder: string): string | null {
  if (['core', 'node', 'endpoint'].includes(folder)) return 'client'
  return ['cli', 'console', 'examples'].includes(folder) ? `client/${folder}` : null
}

/** Reports the arrows that the table lacks. Tests may import everything; nothing may import the tests. */
export function checkArrows(source: Source): Violation[] {
  if (isTest(source.path)) return []
  const zone = zoneOf(source.path)
  if (zone === null) return [violation(source, 1, 'this folder has no place in the picture')]
  return importsOf(source).flatMap(found => {
    const problem = found.target.kind === 'file' ? check(zone, found) : null
    return problem === null ? [] : [violation(source, found.line, problem)]
  })
}

function check(zone: string, found: Import): string | null {
  const path = found.target.name
  // Assets beside the code (`.sql`, `.json`) belong to the file that reads them.
  if (!/\.tsx?$/.test(path)) return null
  if (path === ROUTER && zone.startsWith('client')) return found.typeOnly ? null : `${ROUTER} but for its types`
  if (path === LOG && [...LAYERS, 'embedded'].includes(zone) && found.typeOnly) return null
  if (path === METER && LAYERS.includes(zone) && found.typeOnly) return null
  const to = zoneOf(path)
  if (to === null) return `${zone} → ${path}, which has no place in the picture`
  if (to.startsWith('entry')) return `${zone} → ${path}: nothing imports an entry`
  return to === zone || MAY[zone]?.includes(to) ? null : `${zone} → ${to} (${path})`
}

function violation(source: Source, line: number, detail: string): Violation {
  return { file: source.path, line, rule: 'arrow', detail }
}
