/**
 * The rows of raw statements match their types in the code: a real server prepares and describes each on the migrated
 * schema. The test fails for a statement of the store that it does not compile.
 */

import { fileURLToPath } from 'node:url'
import type { CompiledQuery } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as dialBudgets from '#server/store/access/dial-budgets.ts'
import * as grantPeppers from '#server/store/access/grant-peppers.ts'
import * as revocation from '#server/store/access/revocation.ts'
import { SettledCounts } from '#server/store/access/settled-counts.ts'
import * as changeReads from '#server/store/changes/change-reads.ts'
import { lacksDeadlines } from '#server/store/connection/deadline-check.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import { DatabaseClock } from '#server/store/database/database-clock.ts'
import { transaction } from '#server/store/database/db.ts'
import * as checkRequests from '#server/store/datasources/check-requests.ts'
import * as registration from '#server/store/datasources/registration.ts'
import * as staging from '#server/store/datasources/staged-credential.ts'
import * as unreadable from '#server/store/datasources/unreadable.ts'
import * as verdicts from '#server/store/datasources/verdicts.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import * as feedRetention from '#server/store/feeds/feed-retention.ts'
import * as feeds from '#server/store/feeds/feeds.ts'
import { isOverflowing, readFacts } from '#server/store/installation/database-facts.ts'
import { canReadSecrets } from '#server/store/installation/grants.ts'
import { readOrigin } from '#server/store/installation/installation.ts'
import { pendingMigrations } from '#server/store/installation/migrate.ts'
import * as months from '#server/store/installation/months.ts'
import * as oldChanges from '#server/store/installation/old-changes.ts'
import * as oldRows from '#server/store/installation/old-rows.ts'
import * as processes from '#server/store/installation/processes.ts'
import * as keyUses from '#server/store/keys/key-uses.ts'
import * as resealing from '#server/store/keys/resealing.ts'
import * as verdictSignatures from '#server/store/keys/verdict-signatures.ts'
import { holdMove, stateOf } from '#server/store/moves/move-lookups.ts'
import * as moveRows from '#server/store/moves/move-rows.ts'
import * as moveShapes from '#server/store/moves/move-shapes.ts'
import * as moveSource from '#server/store/moves/move-source.ts'
import { monthsOf } from '#server/store/moves/move-target.ts'
import { purgeMoved } from '#server/store/moves/moved-away.ts'
import * as overviews from '#server/store/operations/overview.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import * as keptSnapshots from '#server/store/schemas/kept-snapshots.ts'
import type { Db } from '#server/store/tables/tables.ts'
import * as claims from '#server/store/tasks/claims.ts'
import * as outcomes from '#server/store/tasks/outcomes.ts'
import { claimQuarantined } from '#server/store/tasks/quarantine.ts'
import { queueDepths } from '#server/store/tasks/queue-depth.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { readSources } from '#test/support/house/architecture/source.ts'
import { describe as described, isOf, notingDb, typedStatements } from '#test/support/house/statement-types.ts'

const ORG = '01900000-0000-7000-8000-000000000001'
const ID = '01900000-0000-7000-8000-000000000002'
const NOW = new Date(0)

const CLAIM = {
  organizationId: ORG,
  id: ID,
  kind: 'poll',
  datasourceId: ID,
  standing: true,
  payload: null,
  attempts: 1,
  requested: 1,
  token: 1,
  awaits: null,
} as const satisfies claims.Claim

const ACTOR = { kind: 'operator', id: null, requestId: null, address: null } as const
const EVENT = { id: ID, actor: ACTOR, action: 'a', objectKind: null, objectId: null, outcome: 'ok', at: NOW } as const
const REGISTRATION: registration.Registration = {
  datasource: {
    id: ID,
    kind: 'direct',
    mode: 'live',
    name: null,
    dbType: null,
    host: 'h',
    port: 1,
    database: 'd',
    schema: 's',
    tlsMode: null,
    excludedSchemas: null,
    endpoint: null,
    metadata: {},
    identity: null,
  },
  credential: {
    sealed: { keyId: ID, box: Buffer.from('b'), signerId: 's', signature: Buffer.from('s') },
    last4: null,
  },
  taskId: ID,
  event: EVENT,
  now: NOW,
  maxDatasources: 1,
}
const STAGED: staging.StagedCredential = {
  ...{ datasourceId: ID, version: 2, credential: REGISTRATION.credential, compareId: ID, checkId: ID },
  ...{ event: EVENT, now: NOW, set: {}, identity: null },
}
const SETTLEMENT: verdicts.SettledVerification = {
  verdict: {
    ...{ id: ID, datasourceId: ID, version: 1, outcome: 'passed', reason: null, checks: [], advisories: [], tookMs: 1 },
    at: NOW,
  },
  state: 'current',
  after: { status: 'active', refusals: 0, refusedAt: null },
  reason: null,
  signed: { version: 1, usable: true, usableUntil: NOW, signerId: 's', signature: Buffer.from('s') },
  dueAt: NOW,
  failed: false,
  isMade: true,
  introspection: ID,
}
const UP_TO_DATE = { signerIds: ['s'], fingerprintKeyId: 'f' }
const POSITION = { organizationId: ORG, epoch: ID, n: 0 }
const CLAIMING = { kinds: ['verify'], leaseMs: 1, now: NOW } as const
const ASK: claims.ClaimAsk = {
  ...CLAIMING,
  limit: 8,
  perOrganization: 2,
  held: [],
  priorities: ['asked', 'scheduled', 'hung', 'failed'],
}

/** Every row of one table whose only key is its organization. */
const PART: moveRows.TablePart = {
  shape: {
    name: 'quotas',
    key: [],
    columns: [
      { name: 'org_id', type: 'uuid', isOwn: false },
      { name: 'datasources', type: 'integer', isOwn: false },
      { name: 'max_datasources', type: 'integer', isOwn: false },
    ],
  },
  org: ORG,
  isBare: false,
}

/**
 * Calls that compile each typed statement. They get generated rows, so that later statements of a call are compiled
 * too.
 */
const CALLS: readonly ((db: Db) => Promise<unknown>)[] = [
  db => new DatabaseClock(db).measure(),
  db => new SettledCounts(db).take('k', 1, { limit: 1, windowMs: 1 }),
  db => claims.claim(db, ASK),
  db => claimQuarantined(db, CLAIMING),
  db => staging.stage(db, ORG, STAGED),
  db => changeReads.heads(db, [ORG]),
  db => changeReads.unnumbered(db, [ORG]),
  db => feedRetention.blankBatch(db, NOW),
  db => feedRetention.clearBatch(db),
  db => feedEvents.store(db, ORG, { datasourceId: ID, events: [], now: NOW, page: null, isVouched: true }),
  db => feedEvents.newest(db, ORG, { datasourceId: ID, limit: 1, maxBytes: 1 }),
  db => feedEvents.heads(db, [{ organizationId: ORG, datasourceId: ID }]),
  db => grantPeppers.isAnyHashedOtherwise(db, ORG, ['p']),
  db =>
    transaction(db, tx => revocation.revokeKeyRow(unitOf(tx, ORG, NOW), { id: ID, children: 'revoke', force: true })),
  db => dialBudgets.charge(db, [{ budget: { key: 'k', limit: 1, windowMs: 1 }, units: 1 }], NOW),
  db => dialBudgets.spentIn(db, [{ prefix: 'k', limit: 1 }], NOW),
  db => registration.register(db, ORG, REGISTRATION),
  db => verdicts.settle(db, CLAIM, SETTLEMENT),
  db => transaction(db, tx => keptSnapshots.trim(unitOf(tx, ORG), ID)),
  db => transaction(db, tx => checkRequests.awaitCheck(unitOf(tx, ORG, NOW), CLAIM, { taskId: ID, dueAt: NOW })),
  db => lacksDeadlines(db),
  db => transaction(db, tx => quotas.hasRoom(unitOf(tx, ORG, NOW), { table: 'api_keys', max: 1 })),
  db => verdictSignatures.countStale(db, ORG, ['s']),
  db => resealing.countStale(db, ORG, UP_TO_DATE),
  db => resealing.organizationsToReseal(db, { expected: UP_TO_DATE, areMoving: false }),
  db => keyUses.read(db, NOW),
  db => oldRows.purgeDatasource(db, NOW),
  db => oldChanges.purgeBatch(db, NOW),
  db => canReadSecrets(db, null),
  db => readOrigin(db),
  db => readFacts(db),
  db => isOverflowing(db),
  db => processes.list(db),
  db => processes.haveOtherNetworks(db),
  db => pendingMigrations(db),
  db => months.make(db),
  db => months.drop(db, { table: 'verifications', keepDays: 90 }),
  db => months.overflowing(db),
  db => holdMove(db, ORG),
  db => stateOf(db, ORG),
  db => moveRows.readLines(db, PART, [[]]),
  db => moveRows.countRows(db, PART),
  db => moveSource.begin(db, ORG, ID),
  db => moveSource.epochOf(db, ORG),
  db => monthsOf(db, ORG),
  db => purgeMoved(db, 30),
  db => overviews.seenWorkers(db),
  db => overviews.queueOf(db, ORG, NOW),
  db => overviews.statusesOf(db, ORG),
  db => overviews.statusesOfAll(db),
  db => overviews.checksOf(db, ORG, { at: NOW, id: ID }),
  db => overviews.checksOfAll(db, { at: NOW }),
  db => changeReads.newsOf(db, new Map([[ORG, POSITION]]), { each: 1, limit: 1 }),
  db => changeReads.since(db, ORG, { position: POSITION, datasourceIds: null, limit: 1 }),
  db => sealed.datasource(db, ORG, ID),
  db => unreadable.list(db, { after: null, limit: 1 }),
  db => feedEvents.list(db, ORG, { datasourceId: ID, after: 0, limit: 1, maxBytes: 1 }),
  db => feeds.withFeeds(db, ORG, [{ id: ID, kind: 'endpoint' }]),
  db => oldRows.purgeVerifications(db, NOW),
  db => oldRows.purgeCapabilities(db, NOW),
  db => oldRows.purgeKeys(db, NOW),
  db => processes.standing(db, ID),
  db => transaction(db, tx => resealing.lockStale(unitOf(tx, ORG), { expected: UP_TO_DATE, after: null, limit: 1 })),
  db => transaction(db, tx => verdictSignatures.lockStale(unitOf(tx, ORG), { signerIds: ['s'], limit: 1 })),
  db => moveRows.hashesAfter(db, PART, { after: null, limit: 1 }),
  db => moveRows.hashesOf(db, PART, [[]]),
  db => moveShapes.shapeOf(db, PART.shape),
  db => moveSource.underWay(db, ORG, 1),
  db => outcomes.takeOutcome(db, ORG, ID),
  db => queueDepths(db, NOW),
]

/** The JavaScript type that the pool's parsers return for a PostgreSQL type. */
const IN_JAVASCRIPT: Readonly<Record<string, RegExp>> = {
  boolean: /^boolean$/,
  bytea: /^Buffer$/,
  'double precision': /^number$/,
  smallint: /^number$/,
  integer: /^number$/,
  bigint: /^number$/,
  text: /^string$|^'|^Mode$/,
  name: /^string$/,
  uuid: /^string$/,
  'text[]': /^(?:readonly )?string\[\]$/,
  // Read by a schema of its own.
  jsonb: /^unknown$/,
  'timestamp with time zone': /^Date$/,
}

/** Outside of the store's own statements: run on the migrator's own connection while nothing else runs. */
const ELSEWHERE = ['server/store/installation/migrate.ts']

const sources = await readSources(fileURLToPath(new URL('../..', import.meta.url)), ['server', 'shared'])
const statements = sources
  .filter(({ path }) => path.startsWith('server/store/'))
  .flatMap(source => typedStatements(source, sources))
const noted: CompiledQuery[] = []
let database: FreshDatabase
let client: pg.Client
beforeAll(async () => {
  for (const call of CALLS) {
    // A generated row does not always let the call continue; the statements compiled until then are checked.
    await call(notingDb(statements, noted)).catch(() => {})
    // And the statements compiled when the first one returns nothing.
    await call(notingDb([], noted)).catch(() => {})
  }
  database = await freshDatabase()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

describe('Raw statements of the store', () => {
  it('are all compiled', () => {
    expect(statements.length).toBeGreaterThan(25)
  })

  it.each(
    statements
      .filter(({ place }) => !ELSEWHERE.some(file => place.startsWith(`${file}:`)))
      .map(
        one =>
          [
            one.place.replace(/:\d+$/, ''),
            Object.keys(one.columns ?? {}).join(', ') || 'computed columns',
            one,
          ] as const,
      ),
  )('in %s that return %s have the columns and types that the code names', async (_file, _columns, statement) => {
    const compiled = noted.find(({ sql }) => isOf(statement, sql))
    expect(compiled, 'no call of this test compiles it: add one').toBeDefined()
    const { columns, parameters } = await described(client, compiled?.sql ?? '')
    if (statement.columns !== null) expect(Object.keys(columns)).toEqual(Object.keys(statement.columns))
    for (const [name, type] of Object.entries(columns)) {
      if (statement.columns === null) break
      const said = statement.columns[name]?.replace(/ \| null$/, '') ?? ''
      expect(said, `${name} is a ${type}`).toMatch(IN_JAVASCRIPT[type] ?? /^$/)
    }
    expect(compiled?.parameters.map(shapeOf)).toEqual(
      parameters.map((type, place) => shapeOfType(type, compiled?.parameters[place])),
    )
  })
})

/** The driver's view of a value. */
function shapeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  return value instanceof Date ? 'time' : Buffer.isBuffer(value) ? 'bytes' : typeof value
}

/** The required JavaScript type of a value for a parameter of this type. */
function shapeOfType(type: string, value: unknown): string {
  if (value === null) return 'null'
  // A long list of texts travels as the bytes of an array (`text-array.ts`).
  if (type === 'text[]' && Buffer.isBuffer(value)) return 'bytes'
  if (type.endsWith('[]')) return 'list'
  if (/^(smallint|integer|bigint|double precision|numeric|real)$/.test(type)) return 'number'
  if (/^timestamp/.test(type)) return 'time'
  return type === 'bytea' ? 'bytes' : type === 'boolean' ? 'boolean' : 'string'
}
