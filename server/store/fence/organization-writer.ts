/**
 * The fence around an organization that moves to another installation. Every writer first asks for permission under a
 * row lock that it holds until it ends, so that a move waits for writes in progress and nothing is written after the
 * fence is raised.
 *
 * Transactions ask automatically for the organization of the running call (`asWriter`). A standalone statement includes
 * `mayWrite` among its conditions; if refused, it changes no row.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type QueryExecutorProvider, type RawBuilder, sql } from 'kysely'

/**
 * The organization that a call writes for. `begins`: new work, refused as soon as a move begins. `ends`: work that
 * began earlier, such as a claimed task, refused once the rows are being copied.
 */
export interface Writer {
  readonly organizationId: string
  readonly phase: 'begins' | 'ends'
}

const writers = new AsyncLocalStorage<Writer>()

/** Runs `work`; its transactions write for one organization. */
export function asWriter<T>(writer: Writer, work: () => T): T {
  return writers.run(writer, work)
}

/** Thrown if an organization is moving or has moved: nothing was written for it. */
export class OrganizationMoving extends Error {
  constructor() {
    super('the organization is being moved to another installation, or has moved')
    this.name = 'OrganizationMoving'
  }
}

/** A predicate for any statement: the organization may be written for until the transaction ends. Evaluated once. */
export function mayWrite({ organizationId, phase }: Writer): RawBuilder<boolean> {
  return sql<boolean>`(select may_write(${organizationId}::uuid, ${sql.lit(phase === 'ends')}))`
}

/** Asks permission to write for an organization until the transaction ends. Throws `OrganizationMoving`. */
export async function requireWritable(tx: QueryExecutorProvider, writer: Writer): Promise<void> {
  const { rows } = await sql<{ may: boolean }>`select ${mayWrite(writer)} as may`.execute(tx)
  if (rows[0]?.may !== true) throw new OrganizationMoving()
}

/** As `requireWritable`, for the organization of the running call, if it has one. `transaction()` begins with it. */
export async function requireWriter(tx: QueryExecutorProvider): Promise<void> {
  const writer = writers.getStore()
  if (writer !== undefined) await requireWritable(tx, writer)
}
