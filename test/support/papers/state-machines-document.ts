/**
 * `docs/state-machines.md`, drawn from the product's own decision tables: `npm run dump` writes it, a test compares.
 */
import { CAPABILITY_TRANSITIONS } from '#server/domain/access/capability-state.ts'
import { CREDENTIAL_TRANSITIONS } from '#server/domain/datasources/credential-state.ts'
import { DATASOURCE_TRANSITIONS } from '#server/domain/datasources/status.ts'
import { TASK_TRANSITIONS } from '#server/domain/tasks/task-state.ts'

type Table = Readonly<Record<string, Readonly<Record<string, string | null>>>>

const LEAD = `# State machines

Written by \`npm run dump\` from the tables in the code. Each table is total: every state has an answer to every event. The
diagrams leave out the events that change nothing. A dash is an event that the state refuses: nothing changes.
`

const DATASOURCE = `## Datasource

\`server/domain/datasources/status.ts\`. Callers see \`unverified\`, \`active\` and \`rejected\`. \`unproven\`, \`refused_once\` and
\`refused_twice\` are \`active\` too: a row without a valid verdict, and one that a check has refused. These are not leased. A
refusal is \`condemned\` when it is about the host, the role, the schema or the server, \`condemned_early\` when it comes within a
minute of the last one, and \`barred\` when the check could not look, as with a refused password.
`

const CREDENTIAL = `## Credential

\`server/domain/datasources/credential-state.ts\`. A new credential is \`pending\` until a check passes. \`retired\` is final: its bytes
are destroyed. The row of a pending one that is replaced becomes that of the next one.
`

const CAPABILITY = `## Capability

\`server/domain/access/capability-state.ts\`. No capability comes back to life: a rotation mints another one.
`

const TASK = `## Task

\`server/domain/tasks/task-state.ts\`. A standing task belongs to a datasource and is due again and again; the others are done once
and their outcome is read once. \`none\` is a task without a row. Only the holder of a claim ends it, also when the claim is
\`overdue\`, until another worker claims the task.
`

/** The document. */
export function stateMachinesDocument(): string {
  return [
    LEAD,
    section(DATASOURCE, DATASOURCE_TRANSITIONS),
    section(CREDENTIAL, CREDENTIAL_TRANSITIONS),
    section(CAPABILITY, CAPABILITY_TRANSITIONS),
    section(TASK, TASK_TRANSITIONS),
  ].join('\n')
}

function section(lead: string, table: Table): string {
  return [lead, diagram(table), '', grid(table), ''].join('\n')
}

function diagram(table: Table): string {
  const arrows = Object.entries(table).flatMap(([from, events]) => {
    const targets = new Set(Object.values(events).filter(to => to !== from && to !== null))
    return [...targets].map(to => `  ${from} --> ${to}: ${eventsTo(events, to).join(', ')}`)
  })
  return ['```mermaid', 'stateDiagram-v2', ...arrows, '```'].join('\n')
}

function eventsTo(events: Table[string], to: string | null): string[] {
  return Object.keys(events).filter(event => events[event] === to)
}

function grid(table: Table): string {
  const events = Object.keys(Object.values(table)[0] ?? {})
  const rows = Object.entries(table).map(
    ([state, next]) => `| \`${state}\` | ${events.map(event => cell(next[event])).join(' | ')} |`,
  )
  return [
    `| state | ${events.map(event => `\`${event}\``).join(' | ')} |`,
    `|---${'|---'.repeat(events.length)}|`,
    ...rows,
  ].join('\n')
}

function cell(state: string | null | undefined): string {
  return state === null ? '–' : `\`${state}\``
}
