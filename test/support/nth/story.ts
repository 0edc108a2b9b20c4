/**
 * One story of the Nth failure: a request runs undisturbed, and then with its first effect failing, its second, and so
 * on, until there are no more effects. After each failure the caller repeats the request with the same idempotency key;
 * the answer and the organization's state must equal those of the undisturbed run.
 */
import { randomUUID } from 'node:crypto'
import { quiet } from '#test/support/checks/verdicts.ts'
import { givensOf } from '#test/support/http/givens.ts'
import { MISHAPS, type Mishap } from './gate.ts'
import type { Scene } from './scene.ts'
import { type State, stateOf } from './state.ts'

/** A request. `{{name}}` in its path and body is a given of the exchanges. */
export interface StoryRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  /** The input of a query over tRPC. */
  readonly input?: object
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** A story, named after a procedure's path or the operation of a route. */
export interface Story {
  readonly name: string
  readonly request: StoryRequest
  /** True if no answer is stored under a key: a repeat is then another call, and must only lead to the same state. */
  readonly isKeyless?: boolean
  /** The status of such a repeat if the first call succeeded. */
  readonly repeated?: number
  /**
   * Tables in which a repeat may leave an additional row, because nobody could be told about the row of the first try;
   * and the reason why that is correct.
   */
  readonly mayHaveMore?: { readonly tables: readonly string[]; readonly reason: string }
  /** Additional work that no caller requests. */
  before?(scene: Scene, organization: string): Promise<void>
  /** Prepares values that are not givens, and returns them. `bearer` replaces the key. */
  prepare?(scene: Scene, given: Given): Promise<Readonly<Record<string, string>>>
}

/** Returns a given by its name. */
export type Given = (name: string) => Promise<string>

/** A failure whose end differs from the undisturbed story. */
export interface Wrong {
  readonly mishap: Mishap
  readonly at: number
  /** The statement that failed. */
  readonly struck: string
  readonly why: string
}

/** The tries of one story. */
export interface Told {
  readonly tries: number
  readonly wrong: readonly Wrong[]
}

/** The end of a story. */
export interface End {
  readonly status: number
  readonly state: State
}

/** More effects than any story has: a story that exceeds this is disturbed by something else. */
const MOST_EFFECTS = 200

/** A reseal stays for as long as callers may use the retired key. */
const LASTING = 'reseal'

/** Runs the story. `isChosen` selects the failures to try; by default all. */
export async function tell(
  scene: Scene,
  story: Story,
  isChosen: (mishap: Mishap, at: number) => boolean = () => true,
): Promise<Told> {
  let told = await begin(scene, story)
  const expected = await undisturbed(told, story)
  const wrong: Wrong[] = []
  let tries = 0
  for (const mishap of MISHAPS)
    for (let at = 1; at < MOST_EFFECTS; at += 1) {
      if (!isChosen(mishap, at)) continue
      // A read changes nothing, which each comparison shows: its tries share one organization.
      if (story.request.method !== 'GET') told = await begin(scene, story)
      const found = await disturbed(scene, told, { mishap, at })
      if (found.struck === null) break
      tries += 1
      const isRepeat = story.repeated !== undefined && found.status === story.repeated
      const why = compare(expected, isRepeat ? { ...found, status: expected.status } : found, story.mayHaveMore?.tables)
      if (why !== null) wrong.push({ mishap, at, struck: found.struck, why })
    }
  return { tries, wrong }
}

type Begun = Awaited<ReturnType<typeof begin>>

async function undisturbed(told: Begun, story: Story): Promise<End> {
  const { status, text } = await told.send()
  if (status >= 400) throw new Error(`${story.name} is no happy story: ${status} ${text}`)
  return { status, state: await told.state() }
}

async function disturbed(
  scene: Scene,
  told: Begun,
  disturbance: { readonly mishap: Mishap; readonly at: number },
): Promise<End & { readonly struck: string | null; readonly text: string }> {
  const { gate } = await scene.life()
  gate.arm(disturbance)
  const first = await told.send()
  const struck = gate.disarm()
  if (struck !== null && disturbance.mishap === 'killed') await scene.bury()
  const isOver = struck === null || (disturbance.mishap !== 'killed' && first.status < 400)
  if (!isOver) await told.patiencePasses()
  const { status, text } = isOver ? first : await told.send()
  return { status, text, struck, state: await told.state() }
}

/** Creates an organization with everything that the story needs, and one key for all of its tries. */
export async function begin(scene: Scene, story: Story) {
  const given = await givensOf(scene.stage)
  const prepared = (await story.prepare?.(scene, given)) ?? {}
  const text = await filled(JSON.stringify(story.request), name => prepared[name] ?? given(name))
  const request: StoryRequest = JSON.parse(text)
  const organization = await given('organization')
  const key = prepared['bearer'] ?? (await given('testKey'))
  await quiet(scene.client, LASTING)
  // The dials to one server within a minute count for all organizations, so those of other tries would count, too.
  await scene.client.query('delete from dial_budgets')
  const idempotencyKey = randomUUID()
  return {
    organization,
    async send() {
      await story.before?.(scene, organization)
      return send((await scene.life()).url, request, {
        key,
        idempotencyKey: story.isKeyless === true ? null : idempotencyKey,
      })
    },
    /** Waits until a repeat no longer waits for the answer of the first try, whose process is dead or has given up. */
    async patiencePasses() {
      const older = `update idempotency_keys set created_at = created_at - interval '1 minute' where org_id = $1`
      await scene.client.query(older, [organization])
    },
    async state() {
      await quiet(scene.client, LASTING)
      return stateOf(scene.client, organization)
    },
  }
}

async function filled(text: string, given: (name: string) => string | Promise<string>): Promise<string> {
  let whole = text
  for (const [placeholder, name = ''] of text.matchAll(/\{\{(\w+)\}\}/g)) {
    whole = whole.replaceAll(placeholder, JSON.stringify(await given(name)).slice(1, -1))
  }
  return whole
}

async function send(
  url: string,
  request: StoryRequest,
  { idempotencyKey, key }: { key: string; idempotencyKey: string | null },
) {
  const isTrpc = request.path.startsWith('/trpc/')
  const isRead = request.method === 'GET'
  const headers: Record<string, string> = { authorization: `Bearer ${key}`, ...request.headers }
  if (!isRead && !isTrpc && idempotencyKey !== null) headers['idempotency-key'] = idempotencyKey
  if (request.body !== undefined) headers['content-type'] = 'application/json'
  const body = isTrpc && !isRead && idempotencyKey !== null ? { ...request.body, idempotencyKey } : request.body
  const init = { method: request.method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const query = request.input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(request.input))}`
  const response = await fetch(`${url}${request.path}${query}`, init)
  return { status: response.status, text: await response.text() }
}

/**
 * Returns null if both ended equally, otherwise the difference. `mayHaveMore` names tables in which the found state may
 * have additional rows.
 */
export function compare(
  expected: End,
  found: End & { readonly text: string },
  mayHaveMore: readonly string[] = [],
): string | null {
  if (found.status !== expected.status)
    return `${found.status} in place of ${expected.status}: ${found.text.slice(0, 300)}`
  const missing = without(expected.state, found.state)
  const extra = without(found.state, expected.state).filter(line => !mayHaveMore.includes(line.split(' ')[0] ?? ''))
  if (missing.length + extra.length === 0) return null
  return missing.length === extra.length
    ? missing.map((line, at) => distinct(line, extra[at] ?? '')).join('\n      ')
    : [...missing.map(line => `- ${line}`), ...extra.map(line => `+ ${line}`)]
        .map(line => line.slice(0, 400))
        .join('\n      ')
}

/** Returns the part in which two lines differ. */
function distinct(one: string, other: string): string {
  let at = 0
  while (at < one.length && one[at] === other[at]) at += 1
  const from = Math.max(0, at - 60)
  return `${one.split(' ')[0]}: …${one.slice(from, at + 80)} ≠ …${other.slice(from, at + 80)}`
}

/** Returns the lines that the other state lacks, with repetitions. */
function without(state: State, other: State): string[] {
  const left = [...other]
  return state.filter(line => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}
