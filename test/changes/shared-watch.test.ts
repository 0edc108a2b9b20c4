/** The one subscription of a client: its leases hear of every beginning, every reset and their own versions. */
import { describe, expect, it } from 'vitest'
import type { Client } from '#client/index.ts'
import { SharedWatch } from '#client/node/shared-watch.ts'

interface Spoken {
  onStarted(): void
  onData(reported: { data: object }): void
}

/** A client whose subscription the test controls. */
function spokenFor() {
  const subscribed: Spoken[] = []
  const subscribe = (_: object, spoken: Spoken) => {
    subscribed.push(spoken)
    return { unsubscribe: () => undefined }
  }
  // Sound: the watch uses nothing else of a client.
  const client = { datasources: { watch: { subscribe } } } as unknown as Client
  return { client, subscribed }
}

describe('The watch of a client', () => {
  it('makes each lease check again at its beginning and at every reset, and reports versions to the leases of that datasource', () => {
    const { client, subscribed } = spokenFor()
    const received: string[] = []
    const listen = (id: string) =>
      SharedWatch.of(client).listen({
        id,
        onStarted: () => received.push(`${id} looks`),
        onVersion: version => received.push(`${id} has ${version}`),
      })
    const leave = [listen('one'), listen('two')]
    const [spoken] = subscribed
    spoken?.onStarted()
    spoken?.onData({ data: { change: 'rotated', datasource: { id: 'two', credentialVersion: 2 } } })
    spoken?.onData({ data: { change: 'reset' } })
    expect(received).toEqual(['one looks', 'two looks', 'two has 2', 'one looks', 'two looks'])
    expect(subscribed).toHaveLength(1)
    for (const end of leave) end()
  })
})
