/**
 * The fence around an organization that moves to another installation. Everything that writes for one asks first, under a lock of
 * its row that it holds to its end, so that a move waits for what is under way and nothing is written behind it.
 *
 * Transactions ask by themselves for the organization that the running call writes for (`asWriter`). A statement that stands alone
 * has `mayWrite` among its conditions: refused, it changes no row.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type QueryExecutorProvider, type RawBuilder, sql } from 'kysely'

/**
 * For which organization a call writes. `begins`: something new, refused as soon as a move begins. `ends`: what was begun before,
 * such as a task that was claimed, refused once the rows are being copied.
 */
export interface Writer {
  readonly organizationId: string
  readonly phase: 'begins' | 'ends'
}

const writers = new AsyncLocalStorage<Writer>()

/** Runs `work`, whose transactions write for an organization. */
export function asWriter<T>(writer: Writer, work: () => T): T {
  return writers.run(writer, work)
}

/** Thrown where an organization moves, or has moved: nothing was written for it. */
export class OrganizationMoving extends Error {
  constructor() {
    super('the organization is being moved to another installation, or has moved')
    this.name = 'OrganizationMoving'
  }
}

/** A predicate of any statement: the organization may be written for, until the transaction ends. Evaluated once. */
export function mayWrite({ organizationId, phase }: Writer): RawBuilder<boolean> {
  return sql<boolean>`(select may_write(${organizationId}::uuid, ${sql.lit(phase === 'ends')}))`
}

/** Asks for an organization from here to the end of the transaction. Throws `OrganizationMoving`. */
export async function requireWritable(tx: QueryExecutorProvider, writer: Writer): Promise<void> {
  const { rows } = await sql<{ may: boolean }>`select ${mayWrite(writer)} as may`.execute(tx)
  if (rows[0]?.may !== true) throw new OrganizationMoving()
}

/** The same for the organization that the running call writes for, if it writes for one. `transaction()` begins with it. */
export async function requireWriter(tx: QueryExecutorProvider): Promise<void> {
  const writer = writers.getStore()
  if (writer !== undefined) await requireWritable(tx, writer)
}
