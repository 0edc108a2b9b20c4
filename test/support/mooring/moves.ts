/**
 * Moves of organizations in tests: by the command, in its own process, and the rows of an organization at both
 * installations.
 */
import { COPIED } from '#server/store/moves/move-tables.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'
import type { Mooring } from './mooring.ts'

/** A command's exit and output. */
export interface Ended {
  readonly code: number | null
  readonly out: readonly string[]
  readonly err: string
}

/** Starts the command that moves an organization from one installation to another. */
export function startMove(from: Mooring, to: Mooring, args: readonly string[]): Running {
  const env = {
    DATABASE_URL: from.databaseUrl,
    MOORING_KEYRING: from.config.keyring ?? '',
    MOORING_MOVE_TO: to.databaseUrl,
  }
  return startEntry('cli', env, ['org', 'move', ...args])
}

/** Runs the move to its end. */
export async function moveOrganization(from: Mooring, to: Mooring, ...args: readonly string[]): Promise<Ended> {
  const running = startMove(from, to, args)
  return { code: await running.ended, out: running.out, err: running.err() }
}

/**
 * Every row of an organization, by table, as text, without values that each server sets itself. Only this file reads
 * them, so that it shares no mistake with the code that moves them.
 */
export async function copiedRows(url: string, org: string): Promise<Record<string, string[]>> {
  const each = COPIED.map(({ name, left = {} }) => {
    const own = name === 'changes' ? ['id'] : []
    const without = [...Object.keys(left), ...own].map(column => `- '${column}'`).join(' ')
    const key = name === 'organizations' ? 'id' : 'org_id'
    return `select '${name}' as name, (to_jsonb(t) ${without})::text as text from ${name} t where ${key} = '${org}'`
  })
  const rows = await query(url, `${each.join(' union all ')} order by 1, 2`)
  return Object.fromEntries(
    COPIED.map(({ name }) => [name, rows.filter(row => row['name'] === name).map(row => String(row['text']))]),
  )
}
