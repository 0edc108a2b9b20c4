/**
 * A successful story for each kind of task; `nth-stories.test.ts` fails for a kind without one. Failures affect the
 * worker, not the caller.
 */
import { newId } from '#server/domain/access/ids.ts'
import { sign } from '#server/net/endpoint/signature.ts'
import { rotateOrganization } from '#server/operator/keyring/rotation.ts'
import { query } from '#test/support/database/postgres.ts'
import { events, hosted } from '#test/support/feeds/followed.ts'
import { KEY } from '#test/support/feeds/stranger.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import type { Scene } from '#test/support/nth/scene.ts'
import type { Story } from '#test/support/nth/story.ts'
import { eventually } from '#test/support/nth/task-story.ts'

const BODY = JSON.stringify({ events: events(0, 2) })

/** Creates an active endpoint whose feed has three events. */
async function followed({ stage, stranger }: Scene, key: string): Promise<string> {
  stranger.be(hosted({ count: () => 3 }))
  const endpoint = `https://api.acme.io:${stranger.port}/${newId()}`
  const body = { endpoint, signingKey: KEY }
  const answer = await stage.mooring.call('POST', '/v1/datasources', { key, body, headers: { prefer: 'wait=20' } })
  if (answer.body.status !== 'active') throw new Error(`no endpoint to follow: ${answer.text}`)
  return answer.body.id
}

/**
 * Lets no poll run between the first one and the end of the story, because its schedule would change the feed meanwhile.
 */
async function withoutPolls({ client }: Scene, organization: string): Promise<void> {
  const later = `update tasks t set due_at = now() + interval '1 hour'
    where org_id = $1 and kind = 'poll' and locked_until is null and exists (
      select from feeds f where f.org_id = t.org_id and f.datasource_id = t.datasource_id and f.polled_at is not null)`
  await eventually(async () => (await client.query(later, [organization])).rowCount === 1)
}

const post = (name: string, path: string, body?: object): Story => ({
  name,
  request: { method: 'POST', path, ...(body === undefined ? {} : { body }) },
})

/** The stories, by kind. */
export const TASKS: readonly Story[] = [
  post('verify', '/v1/datasources/{{datasource}}/verify'),
  post('compare', '/trpc/datasources.rotate', { id: '{{datasource}}', connectionString: '{{reader}}' }),
  post('introspect', '/v1/datasources/{{datasource}}/introspect'),
  post('validate', '/v1/datasources/validate', { connectionString: '{{reader}}' }),
  {
    ...post('lease', '/trpc/datasources.lease', { id: '{{datasource}}', publicKey: '{{publicKey}}' }),
    isKeyless: true,
    async prepare({ stage }, given) {
      const { publicKey } = await holderKey()
      const organization = { id: await given('organization') }
      return { publicKey, bearer: await leaseCapability({ ...stage.mooring, organization }) }
    },
  },
  {
    ...post('push', '/trpc/feeds.push', {
      id: '{{followed}}',
      body: BODY,
      messageId: '{{message}}',
      timestamp: '{{timestamp}}',
      signature: '{{signature}}',
    }),
    async prepare(scene, given) {
      const message = `msg_${newId()}`
      const timestamp = String(Math.floor(Date.now() / 1_000))
      const signature = sign({ id: message, timestamp, body: BODY }, [KEY])
      const endpoint = await followed(scene, await given('testKey'))
      await withoutPolls(scene, await given('organization'))
      return { followed: endpoint, message, timestamp, signature }
    },
  },
  {
    name: 'poll',
    request: { method: 'GET', path: '/v1/datasources/{{followed}}' },
    prepare: async (scene, given) => ({ followed: await followed(scene, await given('testKey')) }),
    async before({ stage }, organization) {
      await query(
        stage.mooring.databaseUrl,
        `update tasks set due_at = now(), requested = requested + 1 where org_id = '${organization}' and kind = 'poll'; notify mooring_work`,
      )
    },
  },
  {
    name: 'reseal',
    request: { method: 'GET', path: '/v1/datasources/{{datasource}}' },
    async before({ stage }, organization) {
      const { db, keyring } = stage.mooring
      await rotateOrganization({ db, keyring, now: new Date() }, organization)
      await query(stage.mooring.databaseUrl, 'notify mooring_work')
    },
  },
]
