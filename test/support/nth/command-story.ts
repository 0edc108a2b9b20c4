/**
 * One operator's command with its Nth effect failing: it runs on an installation of its own behind a gate, runs again
 * as its messages say, and the result is compared with an installation on which it ran undisturbed.
 */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openDb } from '#server/store/database/db.ts'
import { operator, type Ran } from '#test/support/mooring/operator.ts'
import type { CommandScene } from './command-scene.ts'
import { type Gate, MISHAPS, type Mishap, openGate } from './gate.ts'
import { masked, stateOfAll } from './state.ts'
import { compare, type End, type Told, type Wrong } from './story.ts'

/** A command with its arguments. */
export interface CommandStory {
  /** The words of the command, as a person types them. */
  readonly name: string
  given?(scene: CommandScene, databaseUrl: string): readonly (string | Record<string, string | boolean>)[]
  /** True if a run with this result has done everything; by default, status 0. */
  isDone?(ran: Ran): boolean
  /**
   * Tables in which a repeat may leave an additional row, because nobody could be told about the row of the first try;
   * and the reason why that is correct.
   */
  readonly mayHaveMore?: { readonly tables: readonly string[]; readonly reason: string }
  /** The message of a repeat if the first run completed but could not report it. */
  readonly repeated?: RegExp
  /**
   * The reason why a repeat may do everything a second time, if the first run completed but could not report it. The
   * result must then equal that of two undisturbed runs.
   */
  readonly mayRunTwice?: string
  /** True if it waits for a worker. */
  readonly needsWorker?: boolean
  /** How many times it must be done; once by default. */
  readonly rounds?: number
  /** A different initial state than a migrated installation: the database to clone. */
  readonly from?: 'behind'
}

/** The maximum number of runs; rotations take two. */
const MOST_RUNS = 6
const MOST_EFFECTS = 400
const AT_ONCE = 3
/** Each run of a command is recorded as an event of its own. */
const RECORD = ['audit_events']

/** Runs the story, as `tell` does for a request. */
export async function tellCommand(
  scene: CommandScene,
  story: CommandStory,
  isChosen: (mishap: Mishap, at: number) => boolean = () => true,
): Promise<Told> {
  const expected = await told(scene, story, null)
  const ofTwo = story.mayRunTwice === undefined ? null : await told(scene, { ...story, rounds: 2 }, null)
  const wrong: Wrong[] = []
  let tries = 0
  for (const mishap of MISHAPS)
    for await (const { at, found } of disturbedInTurn({ scene, story, mishap }, at => isChosen(mishap, at))) {
      if (found.struck === null) break
      tries += 1
      const differsFrom = (end: End) => compare(end, found, [...RECORD, ...(story.mayHaveMore?.tables ?? [])])
      const why = differsFrom(expected)
      const isSecond = why !== null && ofTwo !== null && differsFrom(ofTwo) === null
      if (why !== null && !isSecond) wrong.push({ mishap, at, struck: found.struck, why })
    }
  return { tries, wrong }
}

type Disturbance = { readonly mishap: Mishap; readonly at: number }

/**
 * Runs the story once for each chosen effect, in order. Each run has an installation of its own, and often waits for a
 * worker, so some run at once.
 */
async function* disturbedInTurn(
  { scene, story, mishap }: { scene: CommandScene; story: CommandStory; mishap: Mishap },
  isChosen: (at: number) => boolean,
) {
  let batch: number[] = []
  for (let at = 1; at <= MOST_EFFECTS; at += 1) {
    if (at < MOST_EFFECTS && isChosen(at)) batch.push(at)
    if (batch.length < AT_ONCE && at < MOST_EFFECTS) continue
    const runs = batch.map(async at => ({ at, found: await told(scene, story, { mishap, at }) }))
    yield* await Promise.all(runs)
    batch = []
  }
}

async function told(
  scene: CommandScene,
  story: CommandStory,
  disturbance: Disturbance | null,
): Promise<End & { readonly struck: string | null; readonly text: string }> {
  await using cleanup = new AsyncDisposableStack()
  const databaseUrl = await scene.clone(story.from ?? 'ready')
  cleanup.defer(() => scene.drop(databaseUrl))
  const keyringDir = await mkdtemp(join(tmpdir(), 'mooring-nth-'))
  cleanup.defer(() => rm(keyringDir, { recursive: true, force: true }))
  await cp(scene.keyrings, keyringDir, { recursive: true })
  if (story.needsWorker === true) cleanup.defer(await scene.work(databaseUrl, keyringDir))
  const { struck, ...end } = await untilDone({ scene, story, databaseUrl, keyringDir }, disturbance)
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  cleanup.defer(() => client.end())
  return { ...end, struck, state: [...(await stateOfAll(client)), ...(await filesOf(keyringDir))] }
}

interface Place {
  readonly scene: CommandScene
  readonly story: CommandStory
  readonly databaseUrl: string
  readonly keyringDir: string
}

/** Runs the command until it is done; the failure affects one of its runs. */
async function untilDone(place: Place, disturbance: Disturbance | null) {
  let [struck, text]: [string | null, string] = [null, '']
  let done = 0
  let gate: Gate | null = null
  try {
    for (let runs = 0; runs < MOST_RUNS; runs += 1) {
      gate ??= await openGate(place.databaseUrl)
      if (disturbance !== null && struck === null) gate.arm(disturbance)
      const ran = await runOnce(place, gate).catch((error: Error) => error)
      const met = gate.disarm()
      struck ??= met
      if (met !== null && disturbance?.mishap === 'killed') {
        await gate.stop()
        gate = null
        continue
      }
      text = ran instanceof Error ? ran.message : `${ran.status} ${ran.printed.join('\n')} ${ran.complained}`
      const isDone = place.story.isDone ?? (({ status }) => status === 0)
      if (!(ran instanceof Error) && isDone(ran)) {
        done += 1
        if (done === (place.story.rounds ?? 1)) return { status: 0, struck, text }
      }
      // Without an injected failure, another run would end in the same way.
      if (met === null && ran instanceof Error) {
        const isRepeat = struck !== null && place.story.repeated?.test(text) === true
        return { status: isRepeat ? 0 : 1, struck, text }
      }
    }
    return { status: 1, struck, text }
  } finally {
    await gate?.stop()
  }
}

async function runOnce({ scene, story, databaseUrl, keyringDir }: Place, gate: Gate): Promise<Ran> {
  const db = openDb({ url: gate.url, size: 2, onError: () => undefined })
  try {
    const run = operator({ db, databaseUrl: gate.url, keyringDir })
    return await run(...story.name.split(' '), ...(story.given?.(scene, databaseUrl) ?? []))
  } finally {
    await db.destroy()
  }
}

/** Returns the keyring files, with keys and times masked. */
async function filesOf(dir: string): Promise<string[]> {
  const names = (await readdir(dir)).toSorted()
  const texts = await Promise.all(names.map(name => readFile(join(dir, name), 'utf8')))
  return names.map((name, at) => `file ${name} ${JSON.stringify(masked(JSON.parse(texts[at] ?? 'null')))}`)
}
