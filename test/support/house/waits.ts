/**
 * Finds in tests what makes them depend on how busy a machine is, or on luck: fixed sleeps, and chance that nobody can repeat.
 *
 * A sleep is what awaits a timer: `node:timers/promises`, or a promise that `setTimeout` settles. A turn of the loop is none, nor
 * a stranger or a peer that answers late by a timer. Random bytes and ids, which name things and make secrets, are no chance.
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

/** All of one file, in order. */
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

/** Whether what a timer calls settles a promise: a function by its name, or one that calls `resolve`. */
function settles(callback: string): boolean {
  return /^\w+$/.test(callback) || SETTLES.test(callback)
}
