/**
 * `npm run test:nth`: for each procedure, route, kind of task and operator's command, its story with the first, second, … effect
 * failing in three ways, and repeated. It prints a line for each story, and ends with status 1 where one did not end as the
 * undisturbed one.
 *
 *     npm run -s test:nth                      all, each kind in a process of its own
 *     npm run -s test:nth -- WORDS …           the stories whose names hold all words
 *     npm run -s test:nth -- --sample [SEED]   failures chosen by a seed, which is printed, within a minute
 */
import { spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { COMMANDS } from '#test/nth/stories/commands.ts'
import { PROCEDURES } from '#test/nth/stories/procedures.ts'
import { ROUTES } from '#test/nth/stories/routes.ts'
import { TASKS } from '#test/nth/stories/tasks.ts'
import { makeCommandScene } from '#test/support/nth/command-scene.ts'
import { tellCommand } from '#test/support/nth/command-story.ts'
import type { Mishap } from '#test/support/nth/gate.ts'
import { makeScene } from '#test/support/nth/scene.ts'
import { type Told, tell } from '#test/support/nth/story.ts'
import { tellTask } from '#test/support/nth/task-story.ts'

const KINDS = ['task', 'route', 'procedure', 'command'] as const
const SAMPLE_MS = 30_000
/** The sample tries one in this many failures of a story. */
const ONE_IN = 8
/** Kinds that share an installation, whose start takes most of a sample's time: a sample stays with one. */
const SHARING: readonly (readonly string[])[] = [['procedure', 'route'], ['task'], ['command']]

type Chosen = (mishap: Mishap, at: number) => boolean
interface Named {
  readonly name: string
  tell(isChosen: Chosen): Promise<Told>
}

const say = (text: string) => void process.stdout.write(`${text}\n`)

async function stories(cleanup: AsyncDisposableStack, words: readonly string[]): Promise<Named[]> {
  const named = <S extends { name: string }>(
    all: readonly S[],
    kind: string,
    how: (story: S, chosen: Chosen) => Promise<Told>,
  ) =>
    all
      .filter(({ name }) => words.every(word => `${kind} ${name}`.includes(word)))
      .map(story => ({ name: `${kind} ${story.name}`, tell: (chosen: Chosen) => how(story, chosen) }))
  // Created when the first story needs it.
  const scenes = {
    web: lazily(() => makeScene(cleanup, 'web')),
    worker: lazily(() => makeScene(cleanup, 'worker')),
    command: lazily(() => makeCommandScene(cleanup)),
  }
  return [
    ...named(PROCEDURES, 'procedure', async (story, chosen) => tell(await scenes.web(), story, chosen)),
    ...named(ROUTES, 'route', async (story, chosen) => tell(await scenes.web(), story, chosen)),
    ...named(TASKS, 'task', async (story, chosen) => tellTask(await scenes.worker(), story, chosen)),
    ...named(COMMANDS, 'command', async (story, chosen) => tellCommand(await scenes.command(), story, chosen)),
  ]
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => {
    made ??= make()
    return made
  }
}

/** Selects by the seed, so that a run can be repeated. */
const fraction = (text: string) => Number.parseInt(hash('sha256', text, 'hex').slice(0, 8), 16) / 2 ** 32

/** One thread does most of a kind's work, and much of its time is waiting: all kinds at once are done in the time of the longest. */
async function tellKinds(): Promise<number> {
  const startedAt = performance.now()
  const statuses = await Promise.all(
    KINDS.map(async kind => {
      const child = spawn(process.execPath, [fileURLToPath(import.meta.url), `${kind} `], { stdio: 'inherit' })
      const [status] = await once(child, 'exit')
      return { kind, status }
    }),
  )
  const bad = statuses.filter(({ status }) => status !== 0).map(({ kind }) => kind)
  say(`All kinds in ${((performance.now() - startedAt) / 1000).toFixed(0)} s; wrong: ${bad.join(', ') || 'none'}.`)
  return bad.length === 0 ? 0 : 1
}

/** Returns the stories of one installation, in an order chosen by the seed. */
function sampleOf(named: readonly Named[], seed: string): Named[] {
  const order = named.toSorted((a, b) => fraction(seed + a.name) - fraction(seed + b.name))
  const kindOf = ({ name }: Named) => name.split(' ')[0] ?? ''
  const [first] = order
  const kinds = SHARING.find(some => first !== undefined && some.includes(kindOf(first)))
  return order.filter(one => kinds?.includes(kindOf(one)) === true)
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const [first, ...rest] = process.argv.slice(2)
  if (first === undefined) return tellKinds()
  const seed = first === '--sample' ? (rest[0] ?? String(Date.now())) : null
  const named = await stories(cleanup, seed === null ? process.argv.slice(2) : [])
  if (seed !== null) say(`seed ${seed}`)
  const order = seed === null ? named : sampleOf(named, seed)
  const startedAt = performance.now()
  let [tries, bad, told] = [0, 0, 0]
  for (const { name, tell } of order) {
    const isLate = () => tries > 0 && performance.now() - startedAt > SAMPLE_MS
    if (seed !== null && isLate()) break
    const from = performance.now()
    const isChosen = (mishap: Mishap, at: number) => fraction(`${seed} ${name} ${mishap} ${at}`) < 1 / ONE_IN
    const found = await tell((mishap, at) => seed === null || (!isLate() && isChosen(mishap, at)))
    say(
      `${name}: ${found.tries} failures, ${found.wrong.length} wrong, ${((performance.now() - from) / 1000).toFixed(1)} s`,
    )
    for (const { mishap, at, struck, why } of found.wrong)
      say(`  ${mishap} ${at}: ${struck.trim().slice(0, 80)}\n      ${why}`)
    tries += found.tries
    bad += found.wrong.length
    told += 1
  }
  say(`${told} of ${named.length} stories, ${tries} failures, ${bad} wrong.`)
  return bad === 0 && tries > 0 ? 0 : 1
}

const cleanup = new AsyncDisposableStack()
const status = await main(cleanup).finally(() => cleanup.disposeAsync())
process.exit(status)
