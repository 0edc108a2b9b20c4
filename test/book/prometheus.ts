/**
 * A real Prometheus with the configuration of docs/prometheus: it scrapes the processes of the book and answers every
 * query of the dashboard and of the alerts. Debian has it as `prometheus`; only its two programs are used.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { ALERTS } from '#server/metrics/alerts.ts'
import { choosePort } from '#server/standalone/embedded/port.ts'
import { alertTests } from './alert-cases.ts'

const run = promisify(execFile)
const SCRAPES = 12
const LOOK_MS = 500
const Dashboard = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).optional() })),
})
const Answer = z.object({ status: z.string(), error: z.string().optional(), data: z.unknown() })
const Result = z.object({ result: z.array(z.unknown()) })
const Rules = z.object({
  groups: z.array(
    z.object({ rules: z.array(z.object({ name: z.string(), health: z.string(), lastError: z.string().optional() })) }),
  ),
})

/** Throws an error with a message if the programs are missing. */
export async function requirePrometheus(): Promise<void> {
  for (const program of ['prometheus', 'promtool'])
    await run(program, ['--version']).catch(() => {
      throw new Error(
        `${program} is not in PATH. Debian: apt-get install --no-install-recommends prometheus, or unpack the package ` +
          'elsewhere (apt-get download prometheus && dpkg -x prometheus_*.deb DIR) and add DIR/usr/bin to PATH.',
      )
    })
}

/** Checks with `promtool test rules` that each alert fires on its series and on no others. */
export async function testAlerts(docs: string, folder: string): Promise<number> {
  const file = join(folder, 'alert-tests.json')
  const tests = alertTests(join(docs, 'prometheus/alerts.yml'))
  await writeFile(file, JSON.stringify(tests))
  await run('promtool', ['test', 'rules', file])
  return tests.tests.length
}

/**
 * Scrapes these targets until rates exist, and runs every query. Returns messages about missing answers, and the number
 * of queries.
 */
export async function askEverything(
  { docs, folder }: { docs: string; folder: string },
  targets: readonly string[],
): Promise<{ asked: number; unanswered: string[] }> {
  await using cleanup = new AsyncDisposableStack()
  const url = await startPrometheus(cleanup, { docs, folder, targets })
  await scrapedOften(url, targets.length)
  const { panels } = Dashboard.parse(JSON.parse(await readFile(join(docs, 'grafana/mooring.json'), 'utf8')))
  const queries = panels.flatMap(({ title, targets: of = [] }) => of.map(({ expr }) => [title, expr] as const))
  const unanswered: string[] = []
  for (const [title, expr] of queries) {
    const { result } = Result.parse(await ask(url, `query?query=${encodeURIComponent(interval(expr))}`))
    if (result.length === 0) unanswered.push(`${title}: ${expr}`)
  }
  for (const [name, { expr }] of Object.entries(ALERTS)) {
    // An alert that does not fire returns nothing, but the compared values must exist.
    for (const side of comparedIn(expr)) {
      if (side.startsWith('absent(')) continue
      const { result } = Result.parse(await ask(url, `query?query=${encodeURIComponent(side)}`))
      if (result.length === 0) unanswered.push(`${name}: ${side}`)
    }
  }
  const { groups } = Rules.parse(await ask(url, 'rules'))
  const rules = groups.flatMap(group => group.rules)
  for (const { name, health, lastError } of rules)
    if (health !== 'ok') unanswered.push(`${name}: ${health} ${lastError ?? ''}`)
  if (rules.length !== Object.keys(ALERTS).length) unanswered.push(`${rules.length} rules are loaded`)
  return { asked: queries.length + Object.keys(ALERTS).length, unanswered }
}

const interval = (expr: string) => expr.replaceAll('$__rate_interval', '1m')

/** Returns the left sides of an alert's comparisons. */
function comparedIn(expr: string): string[] {
  return expr.split(' or ').map(part => part.replace(/ (?:>|<|==) [0-9.e]+$/, ''))
}

async function startPrometheus(
  cleanup: AsyncDisposableStack,
  { folder, docs, targets }: { docs: string; folder: string; targets: readonly string[] },
): Promise<string> {
  const dir = join(folder, 'prometheus')
  await mkdir(dir, { recursive: true })
  const text = await readFile(join(docs, 'prometheus/prometheus.yml'), 'utf8')
  const here = text
    .replace(/targets: .*/, `targets: ${JSON.stringify(targets)}`)
    .replaceAll('_interval: 15s', '_interval: 1s')
  await writeFile(join(dir, 'prometheus.yml'), here)
  await cp(join(docs, 'prometheus/alerts.yml'), join(dir, 'alerts.yml'))
  const address = `127.0.0.1:${await choosePort(join(dir, 'port'))}`
  const args = ['--config.file=prometheus.yml', `--storage.tsdb.path=${dir}/data`, `--web.listen-address=${address}`]
  const child = spawn('prometheus', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
  const said: string[] = []
  child.stderr.on('data', chunk => said.push(String(chunk)))
  cleanup.defer(async () => {
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
  })
  const url = `http://${address}`
  while (
    !(await fetch(`${url}/-/ready`).then(
      answer => answer.ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`prometheus ended:\n${said.join('').slice(-2_000)}`)
    await delay(LOOK_MS)
  }
  return url
}

/** Waits until each target has been scraped often enough for rates to have values. */
async function scrapedOften(url: string, targets: number): Promise<void> {
  for (;;) {
    const query = encodeURIComponent(`count(count_over_time(up{job="mooring"}[1m]) >= ${SCRAPES} and up == 1)`)
    const { result } = z
      .object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) })
      .parse(await ask(url, `query?query=${query}`))
    if (Number(result[0]?.value[1]) === targets) return
    await delay(LOOK_MS)
  }
}

async function ask(url: string, path: string): Promise<unknown> {
  const answer = await fetch(`${url}/api/v1/${path}`)
  const { status, error, data } = Answer.parse(await answer.json())
  if (status !== 'success') throw new Error(`Prometheus refuses ${decodeURIComponent(path)}: ${error}`)
  return data
}
