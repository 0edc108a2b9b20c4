/**
 * What verification costs: the time of one probe through a warm dialling process ÷ the time of a bare `pg` connect and
 * one role query, against the same server, in one run, alternating. Prints medians and the ratio for plain TCP and for
 * TLS. `npm run bench:verify`.
 */
import pg from 'pg'
import { selfSigned } from '#test/support/certificates.ts'
import { localTarget, type TestDialler, testDialler } from '#test/support/dialling.ts'
import { startServer, type TestServer } from '#test/support/postgres.ts'

const ROUNDS = 200
const WARM_UP = 100
const PASSWORD = 'Tr0ub4dor-and-3'
const TARGETS = { disable: 1.5, require: 1.3 } as const

/** A database with something in its catalog: forty tables with row security, in a schema of its own. */
const DATABASE = `
create role app login password '${PASSWORD}'; 
create schema app; grant usage on schema app to app;
do $$ begin for i in 1..40 loop
  execute format('create table app.t%s (id uuid primary key, org text not null, body jsonb, at timestamptz)', i);
  execute format('alter table app.t%s enable row level security', i);
  execute format('grant select, insert on app.t%s to app', i);
end loop; end $$;
analyze`

type Mode = keyof typeof TARGETS

/** Goodbyes are not timed on either side: the answer is there before. */
async function bare(port: number, mode: Mode): Promise<number> {
  const ssl = mode === 'require' ? { rejectUnauthorized: false } : false
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'app', database: 'postgres', password: PASSWORD, ssl })
  const started = performance.now()
  await client.connect()
  await client.query('select rolsuper, rolbypassrls from pg_catalog.pg_roles where rolname = current_user')
  const took = performance.now() - started
  await client.end()
  return took
}

async function verified(dialler: TestDialler, port: number, tlsMode: Mode): Promise<number> {
  const target = localTarget(port, { tlsMode, password: PASSWORD })
  const started = performance.now()
  const probe = await dialler.probe({ target, caCertificate: null, schema: 'app', deadlineMs: 10_000 })
  const took = performance.now() - started
  if (probe.failure !== null || probe.schemaUsable !== true) throw new Error(`probe: ${JSON.stringify(probe)}`)
  return took
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
}

async function measure(server: TestServer, dialler: TestDialler, mode: Mode): Promise<void> {
  const times: { bare: number[]; verified: number[] } = { bare: [], verified: [] }
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const plain = await bare(server.port, mode)
    const whole = await verified(dialler, server.port, mode)
    if (round < 0) continue
    times.bare.push(plain)
    times.verified.push(whole)
  }
  const [one, other] = [median(times.bare), median(times.verified)]
  const link = mode === 'disable' ? 'plain TCP' : 'TLS'
  const ratio = (other / one).toFixed(2)
  console.log(
    `${link}: bare ${one.toFixed(1)} ms, verified ${other.toFixed(1)} ms, × ${ratio} (target ${TARGETS[mode]})`,
  )
}

const server = await startServer({ tls: await selfSigned({ addresses: ['127.0.0.1'] }) })
const dialler = testDialler({ children: 1 })
try {
  await server.query(DATABASE)
  await dialler.ready()
  for (const mode of ['disable', 'require'] as const) await measure(server, dialler, mode)
} finally {
  await dialler.close()
  await server.stop()
}
