/**
 * Checks whether a log line explains an incident: its subject, the operation, the stage and the reason. Also finds all
 * places of the code that write such a line.
 */
import { Visitor } from 'oxc-parser'
import type { Source } from '#test/support/house/architecture/source.ts'

/** A parsed line. */
export type Line = Readonly<Record<string, unknown>>

const WHO = ['organizationId', 'address']
const WHAT = [
  ['requestId', 'surface', 'route'],
  ['requestId', 'route'],
  ['requestId', 'path'],
  ['taskId', 'task'],
]
const WHY = ['fault', 'failure', 'reason', 'refused', 'cause']

/** The questions that a line leaves open; none if it explains itself. */
export function openQuestions(line: Line | undefined): string[] {
  if (line === undefined) return ['there is no line']
  const has = (name: string) => line[name] !== undefined && line[name] !== null && line[name] !== ''
  return [
    ...(WHO.some(has) ? [] : ['who']),
    ...(WHAT.some(names => names.every(has)) ? [] : ['what']),
    ...(has('stage') ? [] : ['where']),
    ...(WHY.some(has) ? [] : ['why']),
  ]
}

/** A call of a logger at `warn` or above: its place, and the names of the fields that it lists or spreads. */
export interface Logged {
  readonly at: string
  readonly message: string
  readonly fields: readonly string[]
}

/** Every such call of a file. */
export function loggedIn(source: Source): Logged[] {
  const found: Logged[] = []
  new Visitor({
    CallExpression({ callee, arguments: given, start }) {
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return
      const logger = source.text.slice(callee.object.start, callee.object.end)
      if (!/(^|\.|#)log$/.test(logger) || !['warn', 'error', 'fatal'].includes(callee.property.name)) return
      const [about, message] = given.length > 1 ? given : [undefined, given[0]]
      const fields = about?.type === 'ObjectExpression' ? about.properties : []
      found.push({
        at: `${source.path}:${source.lineOf(start)}`,
        message: message === undefined ? '' : source.text.slice(message.start, message.end),
        fields: fields.map(field => source.text.slice(field.start, field.end)),
      })
    },
  }).visit(source.program)
  return found
}
