/**
 * How operators' commands write for an organization: behind the same fence as callers and workers, so that a move to
 * another installation leaves no writes behind. Every command that changes rows of an organization uses this.
 */
import { transaction } from '#server/store/database/db.ts'
import { asWriter, OrganizationMoving } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Actor, UnitOfWork } from '#server/store/tables/unit-of-work.ts'

const MOVING =
  'The organization is being moved to another installation, or has moved there, and nothing was changed. Run this again when the move ' +
  "has ended, at the organization's current installation."

/** The operator as an actor in the audit record. */
export const OPERATOR: Actor = { kind: 'operator', id: null, requestId: null, address: null }

/** The database that a command writes to, and its time. */
interface Operating {
  readonly db: Db
  readonly now: Date
}

/**
 * Runs `work` in one transaction that writes for the organization. Throws a sentence and writes nothing if it is
 * moving.
 */
export async function writing<T>(
  by: Operating,
  organizationId: string,
  work: (unit: UnitOfWork) => Promise<T>,
): Promise<T> {
  const done = await unlessMoving(by, organizationId, work)
  if (done === MOVED) throw new Error(MOVING)
  return done
}

/** Represents an operation that was skipped because the organization is moving. */
export const MOVED = Symbol('the organization moves')

/**
 * As `writing`, for commands that write for many organizations: returns `MOVED` for a moving one, so that they can
 * continue.
 */
export async function unlessMoving<T>(
  { db, now }: Operating,
  organizationId: string,
  work: (unit: UnitOfWork) => Promise<T>,
): Promise<T | typeof MOVED> {
  const inUnit = () => transaction(db, tx => work({ org: organizationId, tx, actor: OPERATOR, now }))
  try {
    return await asWriter({ organizationId, phase: 'begins' }, inUnit)
  } catch (error) {
    if (error instanceof OrganizationMoving) return MOVED
    throw error
  }
}

/** The message of a command that skipped organizations. */
export function leftOut(count: number): string {
  const which = count === 1 ? '1 organization is' : `${count} organizations are`
  return `${which} being moved to another installation and left out. Run this again when the move has ended, at both installations.`
}
