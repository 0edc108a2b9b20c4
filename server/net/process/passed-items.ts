/**
 * The lines of the checklist that a probe has passed so far, from the dialling process to the worker while the probe goes on.
 *
 * A hint for a person who watches, never part of the finding. It carries one of five known words, each once and in their order:
 * a process that says anything else is killed. Called by both sides of the channel.
 */
import type { Writable } from 'node:stream'
import { DIAL_ITEMS, type DialItem } from '#shared/checks/items.ts'
import type { Stage } from '#shared/faults/failure.ts'
import { sendJson } from './child-channel.ts'

/** The item that is done with once a dial has passed a stage; of the other stages no item is. */
const PASSED_BY: Readonly<Partial<Record<Stage, DialItem>>> = {
  policy: 'host',
  connect: 'connect',
  tls: 'tls',
  authenticate: 'authenticate',
  database: 'database',
}

/** Sends the item that each stage ends with, unless it or a later one was sent before. */
export function sendPassed(pipe: Writable): (stage: Stage) => void {
  let next = 0
  return stage => {
    const item = PASSED_BY[stage]
    if (item === undefined || DIAL_ITEMS.indexOf(item) < next) return
    next = DIAL_ITEMS.indexOf(item) + 1
    sendJson(pipe, 'p', item)
  }
}

/** Reads what `sendPassed` sends for one job. The returned function throws `RangeError` for everything else. */
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
