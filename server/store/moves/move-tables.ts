/**
 * The tables that move with an organization, and those that do not. A test fails for a table with an `org_id` in
 * neither list, and for a column that is left out without a reason.
 */

/** A table whose rows of an organization are copied. */
export interface CopiedTable {
  readonly name: string
  /** With `org_id`, the table's key; rows are read in this order. */
  readonly key: readonly string[]
  /** Columns that the target fills in itself, with the reason. Identity and generated columns are never copied. */
  readonly left?: Readonly<Record<string, string>>
  /** A predicate over `t` that selects the rows to copy, with its reason next to it. */
  readonly where?: string
  /** A column that refers to another row of the same table; it is written after all rows exist. */
  readonly refersToItself?: string
  /** The unique columns of a row, if they are not `org_id` and `key`. */
  readonly conflict?: string
}

const MOVE_COLUMN = 'how far a move is, which each installation says of itself'

/**
 * In write order: a row follows the rows that it refers to. The head of the changes is last, with its epoch, so that a
 * subscriber resumes at its position.
 */
export const COPIED: readonly CopiedTable[] = [
  {
    name: 'organizations',
    key: [],
    conflict: '(id)',
    left: {
      moving_at: MOVE_COLUMN,
      frozen_at: MOVE_COLUMN,
      arriving_at: MOVE_COLUMN,
      moved_at: MOVE_COLUMN,
      move_id: MOVE_COLUMN,
    },
  },
  { name: 'organization_keys', key: ['id'] },
  { name: 'api_keys', key: ['id'], refersToItself: 'issuer_id' },
  { name: 'capabilities', key: ['id'], refersToItself: 'rotated_from' },
  { name: 'tokens', key: ['hash'], conflict: '(hash)' },
  { name: 'revocations', key: ['kind', 'id'] },
  { name: 'lease_grants', key: ['capability_id'] },
  { name: 'quotas', key: [] },
  { name: 'datasources', key: ['id'] },
  { name: 'credentials', key: ['datasource_id', 'version'] },
  { name: 'verifications', key: ['id'] },
  { name: 'snapshots', key: ['id'], refersToItself: 'previous_id' },
  { name: 'feeds', key: ['datasource_id'] },
  { name: 'feed_events', key: ['datasource_id', 'position'] },
  { name: 'feed_pushes', key: ['datasource_id', 'message_id', 'sender'] },
  {
    name: 'tasks',
    key: ['id'],
    left: {
      locked_until: 'a claim is of a worker of the source: the task is done again by one of the target',
      reached: 'how far that claim has come',
      reached_by: 'the claim that has come so far',
    },
  },
  { name: 'leases', key: ['id'] },
  { name: 'audit_events', key: ['id'] },
  {
    name: 'idempotency_keys',
    key: ['principal_id', 'route', 'key'],
    // A claim with a committed effect has a result: a retry at the target continues from it and repeats nothing.
    where: 't.result is not null or t.answer is not null or t.answer_bytes is not null',
  },
  {
    name: 'changes',
    key: ['n'],
    left: { xid: 'of the server that wrote it; the target writes its own' },
    // Changes from before numbering began are never delivered.
    where: 't.n > 0',
    conflict: '(org_id, n) where n > 0',
  },
  { name: 'change_heads', key: [] },
]

/**
 * Tables that a source keeps for 30 days, so that it can tell the holder of each key that the organization has moved;
 * and the audit record.
 */
export const KEPT_AT_SOURCE: ReadonlySet<string> = new Set([
  'organizations',
  'audit_events',
  'api_keys',
  'capabilities',
  'tokens',
  'revocations',
])

/** Every other table, with the reason why it does not move. */
export const NOT_COPIED: Readonly<Record<string, string>> = {
  rate_limits: 'counters of a minute at most, of the web processes of one installation; unlogged',
  dial_budgets: 'how often one installation dials a target: the other counts its own dials',
  installation: 'which server the numbers were given on',
  processes: 'the processes of one installation',
  upkeep: 'which worker of one installation forgets old rows',
  kysely_migration: 'compared before anything is moved',
  kysely_migration_lock: 'of one database',
}
