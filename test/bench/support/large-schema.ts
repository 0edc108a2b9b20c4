/**
 * Databases with many tables, and the contenders that read them, each in its own process, for the benchmarks of
 * introspection.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { query, type TestServer } from '#test/support/database/postgres.ts'
import type { Contender, Measured } from './introspect-contender.ts'

const run = promisify(execFile)
const CONTENDER = fileURLToPath(new URL('introspect-contender.ts', import.meta.url))
const MINUTE_MS = 60_000

/** The rounds of a contender, and the number of first rounds that do not count. */
export interface Rounds {
  readonly warmUp: number
  readonly rounds: number
  /** Stopped after so many minutes; 1 if omitted. */
  readonly minutes?: number
}

/**
 * Ten columns with defaults, a key, a foreign key to the previous table, an index and a comment; read by a role that
 * owns nothing.
 */
const MAKE = `
create procedure make(tables integer) language plpgsql as $$ begin
  for i in 1..tables loop
    execute format('create table table_%1$s (id bigint generated always as identity primary key, count integer not null default 0,
      body text, label character varying(40) not null, amount numeric(12, 2), done boolean not null default false,
      at timestamp with time zone not null default now(), extra jsonb, owner uuid, parent bigint %2$s);
      create index on table_%1$s (label); comment on column table_%1$s.body is ''What was written''',
      i, case when i > 1 then format('references table_%s on delete cascade', i - 1) end);
    if i % 100 = 0 then commit; end if;
  end loop;
end $$`

/** Creates the role that reads the databases. */
export async function createReader(server: TestServer): Promise<void> {
  await server.query("create role reader login password 'reader'")
}

/** Creates a database with so many tables; returns the reader's connection string. */
export async function makeLargeDatabase(server: TestServer, tables: number): Promise<string> {
  const url = new URL(await server.createDatabase(`tables_${tables}`))
  await query(url.href, MAKE)
  await query(url.href, `call make(${tables})`)
  await query(url.href, 'drop procedure make; grant select on all tables in schema public to reader')
  await query(url.href, 'vacuum analyze')
  url.username = 'reader'
  url.password = 'reader'
  return url.href
}

/** Runs a contender; null if it takes too long. */
export async function contend(
  contender: Contender,
  url: string,
  { warmUp, rounds, minutes = 1 }: Rounds,
): Promise<Measured | null> {
  try {
    const options = { timeout: minutes * MINUTE_MS, killSignal: 'SIGKILL' as const }
    const { stdout } = await run(process.execPath, [CONTENDER, contender, url, String(warmUp + rounds)], options)
    // Sound: our own code wrote it.
    const { timesMs, rawMs, ...measured } = JSON.parse(stdout) as Measured
    const counted = (times: readonly number[]) => times.slice(warmUp)
    return { ...measured, timesMs: counted(timesMs), rawMs: counted(rawMs) }
  } catch (error) {
    if (error instanceof Error && 'killed' in error && error.killed) return null
    throw error
  }
}
