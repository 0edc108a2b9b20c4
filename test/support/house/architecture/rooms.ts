/**
 * The inner structure of the layers: which room of a layer may import which. A room is a folder by subject, or a file
 * beside such folders. Rooms are listed from the ground up: none imports a later one, so that a cycle cannot be drawn.
 */
import { importsOf } from './imports.ts'
import { isTest, type Source, type Violation } from './source.ts'

type Rooms = Readonly<Record<string, readonly string[]>>

/** Layer → room → rooms of the same layer that it may import. */
export const ROOMS: Readonly<Record<string, Rooms>> = {
  shared: {
    base: [],
    checks: [],
    faults: [],
    access: ['base', 'faults'],
    'connection-string': ['base', 'checks', 'faults'],
    feeds: ['base', 'faults'],
    datasources: ['base', 'checks', 'connection-string'],
    dialects: ['base', 'checks', 'faults', 'access', 'connection-string', 'feeds', 'datasources'],
    schemas: ['base', 'datasources'],
    operations: ['base'],
  },
  'server/domain': {
    access: [],
    feeds: [],
    network: [],
    schemas: [],
    checks: ['feeds'],
    tasks: ['access', 'feeds'],
    datasources: ['checks'],
  },
  'server/store': {
    fence: [],
    tables: [],
    connection: ['tables'],
    locks: ['tables'],
    schemas: ['tables'],
    tokens: ['fence', 'tables'],
    database: ['fence', 'tables', 'connection'],
    organizations: ['tables', 'locks', 'tokens'],
    changes: ['fence', 'tables', 'database'],
    installation: ['tables', 'connection', 'tokens', 'database', 'changes'],
    access: ['fence', 'tables', 'connection', 'tokens', 'organizations', 'installation'],
    credentials: ['tables', 'organizations', 'installation'],
    tasks: ['fence', 'tables', 'database', 'installation'],
    feeds: ['fence', 'tables', 'locks', 'database', 'installation', 'tasks'],
    operations: ['tables', 'installation', 'tasks'],
    keys: ['tables', 'tokens', 'tasks'],
    moves: ['tables', 'connection', 'database', 'changes', 'installation', 'access', 'tasks'],
    datasources: [
      'fence',
      'tables',
      'connection',
      'locks',
      'database',
      'organizations',
      'access',
      'credentials',
      'tasks',
      'feeds',
    ],
  },
  'server/net': {
    role: [],
    socket: [],
    postgres: ['role', 'socket'],
    catalog: ['socket', 'postgres'],
    endpoint: ['socket', 'postgres'],
    process: ['socket', 'postgres', 'catalog', 'endpoint'],
  },
  'server/api': {
    caller: [],
    responses: [],
    'schemas/reader': [],
    changes: ['responses'],
    context: ['caller', 'schemas/reader', 'changes'],
    procedure: ['caller', 'responses', 'context'],
    feeds: ['changes', 'context', 'procedure'],
    registration: ['responses', 'context', 'procedure'],
    schemas: ['responses', 'schemas/reader', 'context', 'procedure'],
    access: ['responses', 'context', 'procedure', 'registration'],
    local: ['caller', 'context', 'procedure'],
    operations: ['context', 'procedure'],
    checks: ['caller', 'context', 'procedure', 'registration'],
    datasources: ['responses', 'changes', 'context', 'procedure', 'registration', 'checks'],
    router: ['procedure', 'feeds', 'schemas', 'access', 'local', 'operations', 'datasources'],
  },
  'server/work': {
    'about-task': [],
    semaphore: [],
    'observed-task': [],
    'queue-metrics': [],
    'observed-dialler': ['about-task'],
    deps: ['semaphore'],
    'refused-task': ['about-task', 'deps'],
    credentials: ['about-task', 'deps'],
    retention: ['deps'],
    feeds: ['about-task', 'deps', 'refused-task', 'credentials'],
    keys: ['about-task', 'deps', 'credentials'],
    leases: ['about-task', 'deps', 'credentials'],
    checks: ['about-task', 'deps', 'credentials', 'feeds'],
    'run-task': ['about-task', 'deps', 'checks', 'observed-task'],
    loop: ['deps', 'credentials', 'checks', 'run-task'],
    schemas: ['about-task', 'deps', 'refused-task', 'credentials', 'checks'],
    concurrency: ['loop'],
    quarantine: ['about-task', 'deps', 'credentials', 'loop'],
    'task-handlers': ['deps', 'feeds', 'keys', 'leases', 'checks', 'schemas'],
  },
  'server/rest': {
    dialect: [],
    'idempotency-key': [],
    http: ['dialect', 'idempotency-key'],
    openapi: ['dialect'],
    guide: ['http', 'openapi'],
    connections: ['dialect', 'http', 'openapi'],
    datasources: ['dialect', 'http', 'openapi'],
    console: ['http'],
    trpc: ['http'],
    front: ['dialect', 'http', 'trpc'],
    app: ['http', 'guide', 'connections', 'datasources', 'console', 'trpc', 'front'],
    listener: ['http', 'datasources', 'front', 'app'],
  },
  'server/standalone': {
    embedded: [],
    'first-start': [],
    'console-sign-in': [],
    'demo-database': ['embedded'],
    greeting: ['first-start', 'console-sign-in'],
    standalone: ['embedded', 'first-start', 'console-sign-in', 'demo-database', 'greeting'],
    throwaway: ['embedded', 'demo-database', 'standalone'],
  },
  'client/console': {
    base: [],
    api: ['base'],
    kit: ['base'],
    checks: ['kit'],
    shell: ['base', 'api', 'kit'],
    'sign-in': ['base', 'api', 'kit', 'shell'],
    datasources: ['base', 'api', 'kit'],
    charts: [],
    secret: ['kit'],
    schemas: ['base', 'api', 'kit'],
    diagram: ['base', 'api', 'kit', 'schemas'],
    feeds: ['base', 'api', 'kit', 'charts'],
    datasource: ['base', 'api', 'kit', 'checks', 'datasources', 'charts', 'secret', 'schemas', 'diagram', 'feeds'],
    register: ['base', 'api', 'kit', 'checks', 'datasources', 'secret', 'datasource'],
    organization: ['base', 'api', 'kit'],
    overview: ['base', 'api', 'kit', 'charts'],
    palette: ['base', 'api', 'datasources'],
    routes: [
      ...['base', 'api', 'kit', 'shell', 'palette', 'datasources', 'datasource', 'register'],
      ...['organization', 'overview'],
    ],
    app: ['base', 'api', 'sign-in', 'routes'],
    main: ['base', 'app'],
  },
  client: {
    core: [],
    endpoint: [],
    examples: ['endpoint'],
    index: ['core'],
    cli: ['index'],
    node: ['core', 'index'],
  },
}

/**
 * The layer and room of a file; null outside of layers with rooms. The room is the longest one that contains the file.
 */
export function roomOf(path: string): { readonly layer: string; readonly room: string } | null {
  const layer = Object.keys(ROOMS).find(one => path.startsWith(`${one}/`))
  if (layer === undefined) return null
  const inside = path.slice(layer.length + 1).replace(/\.tsx?$/, '')
  const known = Object.keys(ROOMS[layer] ?? {}).filter(room => inside === room || inside.startsWith(`${room}/`))
  const longest = known.toSorted((one, other) => other.length - one.length)[0]
  return { layer, room: longest ?? inside.split('/')[0] ?? inside }
}

/** Reports arrows between rooms of one layer that are not drawn, and unknown rooms. */
export function checkRooms(source: Source): Violation[] {
  const at = roomOf(source.path)
  if (at === null || isTest(source.path) || !/\.tsx?$/.test(source.path)) return []
  const { layer, room } = at
  const may = ROOMS[layer]?.[room]
  if (may === undefined) return [violation(source, 1, `${layer} has no room ${room} in the picture`)]
  return arrowsOf(source).flatMap(({ to, line }) =>
    may.includes(to) ? [] : [violation(source, line, `${layer}: ${room} → ${to}`)],
  )
}

/** Drawn arrows that no import uses any more: `layer: room → room`. */
export function unusedArrows(sources: readonly Source[]): string[] {
  const drawn = new Set(
    sources.flatMap(source => {
      const at = roomOf(source.path)
      return at === null ? [] : arrowsOf(source).map(({ to }) => `${at.layer}: ${at.room} → ${to}`)
    }),
  )
  return Object.entries(ROOMS)
    .flatMap(([layer, rooms]) =>
      Object.entries(rooms).flatMap(([from, to]) => to.map(one => `${layer}: ${from} → ${one}`)),
    )
    .filter(arrow => !drawn.has(arrow))
}

/** The maximum of source files beside each other: a reader takes in a list of that length at a glance. */
const MAX_FILES = 15

/** Reports folders with too many files. */
export function checkFolders(sources: readonly Source[]): Violation[] {
  const folders = Map.groupBy(sources, ({ path }) => path.slice(0, path.lastIndexOf('/')))
  return [...folders].flatMap(([folder, files]) =>
    files.length <= MAX_FILES
      ? []
      : [{ file: folder, line: 1, rule: 'folder-files', detail: `${files.length} files beside each other` }],
  )
}

function arrowsOf(source: Source): { readonly to: string; readonly line: number }[] {
  const at = roomOf(source.path)
  return importsOf(source).flatMap(({ target, line }) => {
    if (target.kind !== 'file' || !/\.tsx?$/.test(target.name)) return []
    const to = roomOf(target.name)
    return to === null || to.layer !== at?.layer || to.room === at.room ? [] : [{ to: to.room, line }]
  })
}

function violation(source: Source, line: number, detail: string): Violation {
  return { file: source.path, line, rule: 'room', detail }
}
