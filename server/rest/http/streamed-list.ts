/**
 * Lists without pages: read page by page and written as they are read, so that neither a process nor our own database
 * holds a whole one. A single page is sent like any other answer, with its tag; a longer list has none, since a tag
 * covers the whole answer and precedes it.
 */
import { once } from 'node:events'
import type express from 'express'
import type { Reply, StreamedList, Walk } from '#server/rest/dialect.ts'
import { STALLED_MS } from './event-writer.ts'

/** Reads the first page. */
export async function listReply(walk: Walk): Promise<Reply> {
  const { rows, nextCursor: cursor } = await walk.page(undefined)
  const body = walk.whole(rows, rows.length)
  return { status: 200, body, ...(cursor === null ? {} : { list: { first: rows, cursor, walk } }) }
}

const PLACE = 'rows'

/**
 * Writes a list as fast as the client reads it; stops when the caller leaves. Throws the error of a later page: the
 * answer is then cut off.
 */
export async function writeList(response: express.Response, { first, cursor, walk }: StreamedList): Promise<void> {
  const around = (count: number) => JSON.stringify(walk.whole([PLACE], count)).split(JSON.stringify(PLACE))
  response.set('Cache-Control', 'private, no-cache').status(200).type('json')
  let count = 0
  const write = async (rows: readonly unknown[]) => {
    const separated = rows.map((row, at) => `${count + at === 0 ? '' : ','}${JSON.stringify(row)}`)
    count += rows.length
    if (!response.write(separated.join(''))) await drained(response)
  }
  response.write(around(0)[0])
  await write(first)
  for (let at: string | null = cursor; at !== null && !response.destroyed; ) {
    const { rows, nextCursor } = await walk.page(at)
    await write(rows)
    at = nextCursor
  }
  response.end(around(count)[1])
}

/** Waits until the client reads on; one that takes too long is cut off. */
async function drained(response: express.Response): Promise<void> {
  if (response.destroyed) return
  const timer = setTimeout(() => response.destroy(), STALLED_MS)
  const over = new AbortController()
  await Promise.race(['drain', 'close'].map(event => once(response, event, { signal: over.signal }))).finally(() => {
    clearTimeout(timer)
    over.abort()
  })
}
