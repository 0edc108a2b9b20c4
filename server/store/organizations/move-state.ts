/**
 * The progress of a move of an organization to another installation, as its row has it. The rules for writes in the meantime are in
 * `organization-writer.ts`, under a lock; this is what callers are told.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Move } from '#server/domain/access/scope.ts'

/** A column over `organizations o`; null for an organization that stays. */
export const MOVE: RawBuilder<Move | null> = sql<Move | null>`case
  when o.moved_at is not null then 'moved' when o.arriving_at is not null then 'arriving' when o.moving_at is not null then 'moving' end`
