/**
 * The cost of a million datasources: every frequent operation, with a thousand datasources and with a million over
 * 10,000 organizations, one of which has a tenth of them, side by side in one run. `npm run bench:scale`, or `npm run
 * bench:scale -- 50000` for fewer. Prints rates and their ratio, and every statement's plans; ends with an error if a
 * ratio is below the target or a plan reads more rows than allowed.
 */
import { argv, stdout } from 'node:process'
import { type Explained, Explainer } from '#test/bench/scale/explained.ts'
import type { Row } from '#test/bench/scale/row.ts'
import { ROWS } from '#test/bench/scale/rows.ts'
import { type Site, startSite } from '#test/bench/scale/site.ts'
import { query, startServer } from '#test/support/database/postgres.ts'

const datasources = Number(argv[2] ?? 1_000_000)
const FEW = { datasources: 1_000, organizations: 10 }
const MANY = { datasources, organizations: Math.max(10, datasources / 100) }
const TARGET = 0.85
/** Repeats a row that misses the target: on a busy machine, medians of one pass differ by more than the measured effect. */
const MOST_PASSES = 12
/** Rows that one statement may read, from tables and indexes. */
const MOST_ROWS = 2_500
/** Tables below this size may be read from end to end. */
const SMALL = 5_000

const say = (line: string) => void stdout.write(`${line}\n`)

const median = (times: number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN

/**
 * Runs a row on both sites alternately, so that other load slows both alike, and compares the medians. Repeats a row
 * that misses the target.
 */
async function compare(row: Row, { few, many }: Sites): Promise<boolean> {
  const times = { few: [] as number[], many: [] as number[] }
  let ratio = 0
  for (let pass = 0; pass < MOST_PASSES && !(ratio >= TARGET); pass += 1) {
    const once = { few: await row.prepare(few), many: await row.prepare(many) }
    for (let round = 0; round < row.count; round += 1)
      for (const which of round % 2 === 0 ? (['few', 'many'] as const) : (['many', 'few'] as const)) {
        const from = performance.now()
        await once[which]()
        times[which].push(performance.now() - from)
      }
    ratio = median(times.few) / median(times.many)
  }
  const rates = [median(times.few), median(times.many)].map(ms => (1_000 / ms).toFixed(ms > 10 ? 1 : 0))
  const cells = [...rates, ratio.toFixed(2)].map(cell => cell.padStart(10))
  say(`| ${row.name.padEnd(34)} |${cells.join(' |')} |${ratio < TARGET ? ' missed' : ''}`)
  return ratio >= TARGET
}

interface Sites {
  readonly few: Site
  readonly many: Site
}

async function bad(explainer: Explainer, site: Site): Promise<Explained[]> {
  const { rows } = await largeTables(site)
  const large = new Set(rows)
  return explainer.found().filter(({ rows: read, whole }) => read > MOST_ROWS || whole.some(table => large.has(table)))
}

/** Sizes on disk: for each large table its rows and bytes, and the bytes of one row including its indexes. */
async function sizesOf({ url }: Site): Promise<string[]> {
  const rows = await query(
    url,
    `select c.relname as name, sum(greatest(p.reltuples, 0))::bigint as rows, sum(pg_total_relation_size(p.oid)) as bytes,
       sum(pg_indexes_size(p.oid)) as indexes
     from pg_class c cross join lateral (
       select p.oid, p.reltuples from pg_partition_tree(c.oid) t join pg_class p on p.oid = t.relid where t.isleaf
       union all select c.oid, c.reltuples where c.relkind = 'r') p
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     group by 1 having sum(pg_total_relation_size(p.oid)) > 1e6 order by 3 desc`,
  )
  const mb = (bytes: unknown) => `${(Number(bytes) / 1e6).toFixed(0)} MB`.padStart(8)
  return rows.map(
    row =>
      `${String(row['name']).padEnd(18)} ${String(row['rows']).padStart(9)} rows, ${mb(row['bytes'])}, ${mb(row['indexes'])} of it indexes, ` +
      `${(Number(row['bytes']) / Math.max(1, Number(row['rows']))).toFixed(0)} bytes a row`,
  )
}

async function largeTables({ url }: Site): Promise<{ rows: string[] }> {
  const rows = await query(url, `select relname from pg_class where relkind = 'r' and reltuples > ${SMALL}`)
  return { rows: rows.map(row => String(row['relname'])) }
}

await using cleanup = new AsyncDisposableStack()
const explainer = new Explainer()
const server = await startServer({
  settings: { shared_buffers: '1GB', max_wal_size: '8GB', maintenance_work_mem: '256MB' },
})
cleanup.defer(() => server.stop())
const startedAt = performance.now()
const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(0)
const few = await startSite(cleanup, { ...FEW, server, name: 'few', say })
const many = await startSite(cleanup, { ...MANY, server, name: 'many', say })
say(`${seconds()} s: ${MANY.datasources} datasources are there`)
for (const line of await sizesOf(many)) say(`  ${line}`)

for (const row of ROWS)
  await explainer.during(row.name, async () => {
    const once = await row.prepare(many)
    await once()
  })
const worst = await bad(explainer, many)
const [most] = explainer.found().toSorted((a, b) => b.rows - a.rows)
say(
  `${seconds()} s: ${explainer.found().length} plans, ${most?.rows} rows at most (${most?.during}); ${worst.length} too many`,
)
for (const one of worst)
  say(
    `  ${one.during}, ${one.plan}: ${one.rows} rows, ${one.buffers} pages, whole: ${one.whole}\n    ${one.text.replaceAll(/\s+/g, ' ').slice(0, 600)}`,
  )

if (argv.includes('--plans')) process.exit(worst.length)
say(
  `| each a second                      | ${'1000'.padStart(9)} | ${String(MANY.datasources).padStart(9)} |     ratio |`,
)
let misses = 0
for (const row of ROWS) if (!(await compare(row, { few, many }))) misses += 1
say(`${seconds()} s`)
if (worst.length > 0 || misses > 0)
  throw new Error(`${misses} rows miss ${TARGET}, ${worst.length} plans read too much`)
