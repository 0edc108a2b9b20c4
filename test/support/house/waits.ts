/**
 * Finds code in tests that depends on the load of the machine, or on luck: fixed sleeps, and random choices that nobody
 * can repeat.
 *
 * A sleep awaits a timer: `node:timers/promises`, a promise that `setTimeout` settles, the end of `AbortSignal.timeout`,
 * or `pg_sleep`. A turn of the loop does not count, nor does a peer that answers late by a timer. Random bytes and ids,
 * which name things and make secrets, do not count as chance.
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
const SLEEPS_IN_SQL = /\bpg_sleep\(/
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
      if (callee === 'once' && first !== undefined && text.startsWith('AbortSignal.timeout(', first.start))
        add('sleep', node.start)
      if (CHANCE.has(callee) && !/\bseed:/.test(text.slice(node.start, node.end))) add('chance', node.start)
    },
    Literal(node) {
      if (typeof node.value === 'string' && SLEEPS_IN_SQL.test(node.value)) add('sleep', node.start)
    },
    TemplateElement(node) {
      if (SLEEPS_IN_SQL.test(node.value.raw)) add('sleep', node.start)
    },
  }).visit(program)
  return found.sort((one, other) => one.line - other.line)
}

/** Whether a timer's callback settles a promise: a function by its name, `resolve` of an object, or a call of it. */
function settles(callback: string): boolean {
  return /^\w+$|\.(?:resolve|reject)$/.test(callback) || SETTLES.test(callback)
}
