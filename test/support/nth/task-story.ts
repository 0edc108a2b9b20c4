/**
 * One kind of task with its Nth effect failing in the worker: a caller, an operator or the schedule requests it, the
 * worker's statement fails, and the same worker or the next one takes the task up again. The state must be that of an
 * undisturbed worker.
 */
import { once } from 'node:events'
import type pg from 'pg'
import { MISHAPS, type Mishap } from './gate.ts'
import type { Scene } from './scene.ts'
import { begin, compare, type End, type Story, type Told, type Wrong } from './story.ts'

const MOST_EFFECTS = 300
const LOOK_MS = 50

/** Runs the story, as `tell` does for a request. The scene's worker is behind the gate. */
export async function tellTask(
  scene: Scene,
  story: Story,
  isChosen: (mishap: Mishap, at: number) => boolean = () => true,
): Promise<Told> {
  const expected = await told(scene, story, null)
  if (expected.status >= 400) throw new Error(`${story.name} is no happy story: ${expected.status} ${expected.text}`)
  const wrong: Wrong[] = []
  let tries = 0
  for (const mishap of MISHAPS)
    for (let at = 1; at < MOST_EFFECTS; at += 1) {
      if (!isChosen(mishap, at)) continue
      const found = await told(scene, story, { mishap, at })
      if (found.struck === null) break
      tries += 1
      const why = compare(expected, found, story.mayHaveMore?.tables)
      if (why !== null) wrong.push({ mishap, at, struck: found.struck, why })
    }
  return { tries, wrong }
}

async function told(
  scene: Scene,
  story: Story,
  disturbance: { readonly mishap: Mishap; readonly at: number } | null,
): Promise<End & { readonly struck: string | null; readonly text: string }> {
  const { gate } = await scene.life()
  const begun = await begin(scene, story)
  if (disturbance !== null) gate.arm(disturbance)
  const answered = begun.send()
  const settled = answered.then(() => settle(scene.client, begun.organization, 'none'))
  if (disturbance !== null) await Promise.race([settled, gate.struck()])
  else await settled
  const struck = gate.disarm()
  if (struck !== null && disturbance?.mishap === 'killed') {
    await scene.bury()
    await scene.life()
  }
  // A claim whose answer was lost belongs to nobody, like one of a dead process.
  if (struck !== null) {
    const lost = LOST_CLAIM.test(struck) ? 'one' : disturbance?.mishap === 'killed' ? 'any' : 'none'
    await settle(scene.client, begun.organization, lost)
  }
  const { status, text } = await answered
  // The failure may strike before the story's work exists, such as at the process's own entry.
  await settle(scene.client, begun.organization, 'none')
  return { status, text, struck, state: await begun.state() }
}

/** The end of a transaction that claims, as the gate reports it; the work continues under other claims. */
const LOST_CLAIM = /^commit of [\s\S]*update tasks set locked_until = \$/

/**
 * A reseal stays as long as callers may use the retired key; it is done once no box is sealed to that key, and no failed
 * attempt waits for its retry.
 */
const RESEALED = `kind = 'reseal' and locked_until is null and attempts = 0 and not exists (
  select 1 from credentials c join organization_keys k on k.org_id = c.org_id and k.id = c.key_id
  where c.org_id = $1 and c.sealed is not null and k.retired_at is not null)`
/** Tasks that are requested, claimed, due, or to be retried after a failure. */
const UNDONE = `org_id = $1 and ((not standing and outcome is null and not (${RESEALED}))
  or (standing and (settled < requested or locked_until is not null or attempts > 0 or due_at <= now())))`

/** Resolves when the organization has no work left; in the meantime, time passes for tasks that wait for a retry. */
async function settle(client: pg.Client, organization: string, lostClaims: 'none' | 'any' | 'one'): Promise<void> {
  let lost = lostClaims
  await eventually(async () => {
    const { rowCount } = await client.query(`select 1 from tasks where ${UNDONE}`, [organization])
    if (rowCount === 0) return true
    if (lost !== 'none') {
      const ends = `update tasks set locked_until = now() where ${UNDONE} and locked_until is not null`
      const { rowCount: ended } = await client.query(ends, [organization])
      // The server may not yet have executed the commit whose answer is lost.
      if (lost === 'any' || ended !== 0) lost = 'none'
    }
    await client.query(`update tasks set due_at = now() where ${UNDONE} and due_at > now() and locked_until is null`, [
      organization,
    ])
    await client.query('notify mooring_work')
    return false
  })
}

/** Resolves when `look` returns true; it looks at work that notifies nobody. */
export async function eventually(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await once(AbortSignal.timeout(LOOK_MS), 'abort')
}
