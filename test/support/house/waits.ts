/**
 * Finds code in tests that depends on the load of the machine, or on luck: fixed sleeps, and random choices that nobody
 * can repeat.
 *
 * A sleep awaits a timer: `node:timers/promises`, or a promise that `setTimeout` settles. A turn of the loop does not
 * count, nor does a stranger or a peer that answers late by a timer. Random bytes and ids, which name things and make
 * secrets, do not count as chance.
 */
import { Visitor } from 'oxc-parser'
import type { Source } from '#test/support/house/architecture/source.ts'

/** One place. */
export interface FoundWait {
  readonly path: string
  readonly line: number
  readonly kind: 'sleep' | 'chance'
}

const TIMERS = /^(node:)?timers\/promises$/
const SETTLES = /^\(\) => (void )?([\w.]+\.)?(resolve|reject)\w*\(/
const CHANCE = new Set(['Math.random', 'randomInt', 'crypto.randomInt', 'fc.sample'])

/** All findings of one file, in order. */
export function waitsOf({ path, text, program, lineOf }: Source): FoundWait[] {
  const found: FoundWait[] = []
  const add = (kind: FoundWait['kind'], start: number) => found.push({ path, line: lineOf(start), kind })
  const timers = new Set<string>()
  new Visitor({
    ImportDeclaration(node) {
      if (!TIMERS.test(node.source.value)) return
      for (const { local } of node.specifiers) if (local.name !== 'setImmediate') timers.add(local.name)
    },
    CallExpression(node) {
      const callee = text.slice(node.callee.start, node.callee.end)
      const [first] = node.arguments
      if (timers.has(callee.split('.')[0] ?? '')) add('sleep', node.start)
      if (callee === 'setTimeout' && first !== undefined && settles(text.slice(first.start, first.end)))
        add('sleep', node.start)
      if (CHANCE.has(callee) && !/\bseed:/.test(text.slice(node.start, node.end))) add('chance', node.start)
    },
  }).visit(program)
  return found.sort((one, other) => one.line - other.line)
}

/** Whether a timer's callback settles a promise: a function by its name, or one that calls `resolve`. */
function settles(callback: string): boolean {
  return /^\w+$/.test(callback) || SETTLES.test(callback)
}
