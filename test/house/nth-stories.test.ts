/**
 * Every procedure, route, kind of task and operator's command has a story for `npm run test:nth`, and every story
 * belongs to one of them.
 */
import { describe, expect, it } from 'vitest'
import { appRouter } from '#server/api/router.ts'
import { commands } from '#server/operator/commands.ts'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { feedTaskHandlers, taskHandlers } from '#server/work/task-handlers.ts'
import { COMMANDS, WITHOUT } from '#test/nth/stories/commands.ts'
import { PROCEDURES, WITHOUT as WITHOUT_STORY } from '#test/nth/stories/procedures.ts'
import { ROUTES } from '#test/nth/stories/routes.ts'
import { TASKS } from '#test/nth/stories/tasks.ts'

const names = (stories: readonly { readonly name: string }[]) => stories.map(({ name }) => name).toSorted()

describe('The Nth failure has a story', () => {
  it('for every procedure that answers once', () => {
    const { procedures } = appRouter._def
    // A subscription has no effect; a broken one resumes from its last event id: test/changes, test/feeds.
    const answering = Object.keys(procedures).filter(name => Reflect.get(procedures, name)._def.type !== 'subscription')
    expect([...names(PROCEDURES), ...Object.keys(WITHOUT_STORY)].toSorted()).toEqual(answering.toSorted())
  })

  it('for every route of both dialects', () => {
    const routes = [...connectionsDialect.routes, ...datasourcesDialect('https://mooring.example').routes]
    expect(names(ROUTES)).toEqual([...new Set(routes.map(({ operationId }) => operationId))].toSorted())
  })

  it('for every kind of task', () => {
    expect(names(TASKS)).toEqual(Object.keys({ ...taskHandlers, ...feedTaskHandlers }).toSorted())
  })

  it('for every operator’s command, or a reason why it has no effect that could fail', () => {
    const told = [...names(COMMANDS), ...Object.keys(WITHOUT)].toSorted()
    expect(told).toEqual(commands.map(({ words }) => words.join(' ')).toSorted())
  })
})
