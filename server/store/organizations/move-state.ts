/**
 * The progress of an organization's move to another installation, according to its row, as shown to callers. The rules
 * for writes during a move are in `organization-writer.ts`, under a lock.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Move } from '#server/domain/access/scope.ts'

/** A column over `organizations o`; null if the organization is not moving. */
export const MOVE: RawBuilder<Move | null> = sql<Move | null>`case
  when o.moved_at is not null then 'moved' when o.arriving_at is not null then 'arriving' when o.moving_at is not null then 'moving' end`
