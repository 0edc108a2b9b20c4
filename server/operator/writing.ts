/**
 * How operators' commands write for an organization: behind the same fence as callers and workers, so that a move to
 * another installation leaves no writes behind. Every command that changes rows of an organization uses this.
 */
import { transaction } from '#server/store/database/db.ts'
import { asWriter, OrganizationMoving } from '#server/store/fence/organization-writer.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'

const MOVING =
  'The organization is being moved to another installation, or has moved there, and nothing was changed. Run this again when the move ' +
  'has ended, at the installation that the organization is in.'

/**
 * Runs `work` in one transaction that writes for the organization. Throws a sentence and writes nothing if it is
 * moving.
 */
export async function writing<T>(db: Db, organizationId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  const done = await unlessMoving(db, organizationId, work)
  if (done === MOVED) throw new Error(MOVING)
  return done
}

/** Stands for an operation that was skipped because the organization is moving. */
export const MOVED = Symbol('the organization moves')

/**
 * As `writing`, for commands that write for many organizations: returns `MOVED` for a moving one, so that they can
 * continue.
 */
export async function unlessMoving<T>(
  db: Db,
  organizationId: string,
  work: (tx: Tx) => Promise<T>,
): Promise<T | typeof MOVED> {
  try {
    return await asWriter({ organizationId, phase: 'begins' }, () => transaction(db, work))
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
