/**
 * Reports the checklist items that a probe has passed so far, from the dialling process to the worker while the probe
 * runs.
 *
 * It is a hint for a person who watches, never part of the finding. It carries one of five known words, each once and
 * in order: a process that sends anything else is killed. Called by both sides of the channel.
 */
import type { Writable } from 'node:stream'
import { DIAL_ITEMS, type DialItem } from '#shared/checks/items.ts'
import type { Stage } from '#shared/faults/failure.ts'
import { sendJson } from './child-channel.ts'

/** The checklist item that is complete once a dial has passed a stage; other stages complete none. */
const PASSED_BY: Readonly<Partial<Record<Stage, DialItem>>> = {
  policy: 'host',
  connect: 'connect',
  tls: 'tls',
  authenticate: 'authenticate',
  database: 'database',
}

/** The delay before an item is sent: most dials are over by then, and spare both processes a message for each item. */
export const PASSED_AFTER_MS = 50

/** Sends the items that a dial's stages complete. */
export interface PassedSender {
  /** Notes a stage; after a moment, the last item completed by then is sent, unless it or a later one already was. */
  passed(stage: Stage): void
  /** Sends nothing from now on: the answer comes next. */
  stop(): void
}

/** A sender for one dial. */
export function sendPassed(pipe: Writable): PassedSender {
  let [last, sent] = [-1, -1]
  let timer: NodeJS.Timeout | undefined
  const send = () => {
    timer = undefined
    sent = last
    sendJson(pipe, 'p', DIAL_ITEMS[sent])
  }
  return {
    passed(stage) {
      const item = PASSED_BY[stage]
      if (item === undefined) return
      last = Math.max(last, DIAL_ITEMS.indexOf(item))
      if (last > sent) timer ??= setTimeout(send, PASSED_AFTER_MS)
    },
    stop: () => clearTimeout(timer),
  }
}

/** Reads what `sendPassed` sends for one job. The returned function throws `RangeError` for anything else. */
export function readPassed(onPassed: (item: DialItem) => void): (body: Buffer) => void {
  let next = 0
  return body => {
    const text = body.toString('latin1')
    const index = DIAL_ITEMS.findIndex(item => text === JSON.stringify(item))
    const item = DIAL_ITEMS[index]
    if (item === undefined || index < next) throw new RangeError('channel progress')
    next = index + 1
    onPassed(item)
  }
}
