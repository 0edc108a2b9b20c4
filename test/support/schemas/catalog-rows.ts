/**
 * Rows of the catalog query as a server sends them, for tests that alter them: one relation `public.t` with one column
 * and one of each part, each changed as the test wants.
 */

/** The altered parts; an unnamed part is absent, except the relation and its column. */
export interface RowChange {
  readonly relation?: object
  readonly columns?: object
  readonly defaults?: object
  readonly comments?: object
  readonly constraint?: object
  readonly index?: object
  readonly policy?: object
  readonly enum?: object
  readonly domain?: object
  readonly sequence?: object
  readonly extension?: object
  readonly trigger?: object
  readonly traits?: object
  readonly partition?: object
  readonly routine?: object
  readonly composite?: object
  /** The number of such constraints, indexes or policies, each with its own name. */
  readonly times?: number
}

/** The first row. */
export function headRow(change: object = {}): string {
  return JSON.stringify({ k: 'head', version: 180_004, ...change })
}

/** The row of a schema that may be used. */
export function schemaRow(name: string): string {
  return JSON.stringify({ k: 'schema', name, usable: true, comment: null, extension: null })
}

const RELATION = {
  ...{ k: 'relation', id: '1', schema: 'public', name: 't', kind: 'r', may: 's', partly: false, secured: false },
  ...{
    forced: false,
    rows: 0,
    bytes: 0,
    partitions: null,
    server: null,
    query: null,
    partitionKey: null,
    options: null,
  },
}
const COLUMNS = {
  ...{ k: 'columns', id: '1', numbers: [1], names: ['a'], types: ['text'], flags: [''], collations: null, may: null },
}
const CONSTRAINT = {
  ...{ name: 'k', kind: 'c', numbers: [1], targetId: '0', targetNumbers: null, target: null, update: ' ', delete: ' ' },
  definition: null,
}
const INDEX = { name: 'i', definition: 'CREATE INDEX i', unique: false, valid: true, about: null }
const POLICY = { name: 'p', command: '*', permissive: true, roles: ['public'], using: null, check: null }
const ENUM = { k: 'enum', schema: 'public', name: 'public.e', labels: ['one'], comment: null }
const DOMAIN = {
  ...{ k: 'domain', schema: 'public', name: 'public.d', type: 'text', notNull: false, default: null, collation: null },
  ...{ checks: null, comment: null },
}
const SEQUENCE = {
  ...{ k: 'sequence', schema: 'public', name: 's', type: 'bigint', start: '1', increment: '1', min: '1', max: '9' },
  ...{ cache: '1', cycle: false, unlogged: false, ownedBy: null, comment: null },
}
const TRAITS = {
  unlogged: false,
  identity: 'd',
  index: null,
  parents: null,
  bound: null,
  options: null,
  columnOptions: null,
  ofType: null,
  storage: null,
}
const PARTITION = {
  ...{
    name: 'public.p',
    of: null,
    bound: 'DEFAULT',
    key: null,
    unlogged: false,
    server: null,
    options: null,
    own: null,
  },
}
const TRIGGER = {
  ...{ name: 'g', type: 5, enabled: 'O', function: 'public.f', numbers: [], constraint: false, deferrable: false },
  ...{ deferred: false, detail: null },
}
const ROUTINE = {
  ...{ k: 'function', schema: 'public', name: 'f', kind: 'f', identity: '', arguments: '', result: 'text' },
  ...{ language: 'sql', volatility: 'v', definer: false, strict: false, path: null, body: '0'.repeat(64), may: true },
  ...{ leakproof: false, parallel: 'u', set: null, comment: null },
}
const COMPOSITE = { k: 'composite', schema: 'public', name: 'public.c', attributes: [], comment: null }
const EXTENSION = { k: 'extension', name: 'x', version: '1.0', schema: 'public', requires: null }

/** The rows of the relation and of the parts that the change names. */
export function relationRows(change: RowChange): string[] {
  const { times = 1 } = change
  const many = (one: { name: string }) =>
    times === 1 ? [one] : Array.from({ length: times }, (_, at) => ({ ...one, name: `${one.name}${at}` }))
  const rows: unknown[] = [
    { ...RELATION, ...change.relation },
    { ...COLUMNS, ...change.columns },
  ]
  const part = (k: string, rest: object) => rows.push({ k, id: '1', ...rest })
  if (change.defaults) part('defaults', { texts: change.defaults })
  if (change.comments) part('comments', { texts: change.comments })
  if (change.constraint) part('constraints', { constraints: many({ ...CONSTRAINT, ...change.constraint }) })
  if (change.index) part('indexes', { indexes: many({ ...INDEX, ...change.index }) })
  if (change.policy) part('policies', { policies: many({ ...POLICY, ...change.policy }) })
  if (change.enum) rows.push({ ...ENUM, ...change.enum })
  if (change.domain) rows.push({ ...DOMAIN, ...change.domain })
  if (change.sequence) rows.push({ ...SEQUENCE, ...change.sequence })
  if (change.trigger) part('triggers', { triggers: many({ ...TRIGGER, ...change.trigger }) })
  if (change.traits) part('traits', { ...TRAITS, ...change.traits })
  if (change.partition) part('partition', { ...PARTITION, ...change.partition })
  if (change.routine) rows.push({ ...ROUTINE, ...change.routine })
  if (change.composite) rows.push({ ...COMPOSITE, ...change.composite })
  if (change.extension) rows.push({ ...EXTENSION, ...change.extension })
  return rows.map(row => JSON.stringify(row))
}
