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

/** Sends the item that each stage completes, unless it or a later one was already sent. */
export function sendPassed(pipe: Writable): (stage: Stage) => void {
  let next = 0
  return stage => {
    const item = PASSED_BY[stage]
    if (item === undefined || DIAL_ITEMS.indexOf(item) < next) return
    next = DIAL_ITEMS.indexOf(item) + 1
    sendJson(pipe, 'p', item)
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
