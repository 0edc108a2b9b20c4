/** The README: short, its derived table current, and every script, variable and file that it names is there. */
import { access, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { withFaultTable } from '#test/support/house/fault-table.ts'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

it('The README has the table of faults that shared/faults/fault.ts makes', async () => {
  const readme = await read('README.md')
  expect(withFaultTable(readme), 'run: npm run dump').toBe(readme)
})

it('It has at most 200 lines', async () => {
  expect((await read('README.md')).trimEnd().split('\n').length).toBeLessThanOrEqual(200)
})

it('It names scripts and files that there are, and variables that are read', async () => {
  const readme = await read('README.md')
  const { scripts, dependencies } = JSON.parse(await read('package.json'))
  const named = [...readme.matchAll(/npm (?:run (?:-s )?)?([a-z][a-z:-]*)/g)].map(found => found[1] ?? '')
  expect(named.filter(name => !['ci', 'run', 'are', 'too'].includes(name) && scripts[name] === undefined)).toEqual([])
  const files = ['config.ts', 'domain/feeds/feed-settings.ts', 'domain/tasks/retention-settings.ts']
  const config = (await Promise.all(files.map(file => read(`server/${file}`)))).join('')
  const variables = [...readme.matchAll(/`(MOORING_[A-Z_]+)/g)].map(found => found[1] ?? '')
  expect(variables.filter(name => !config.includes(`'${name}'`))).toEqual([])
  for (const [, path] of readme.matchAll(/`((?:test|server|shared|client|migrations)\/[\w./-]+\.(?:ts|sql))`/g))
    await access(new URL(`../../${path}`, import.meta.url))
  expect(Object.keys(dependencies).filter(name => !readme.includes(`\`${name}\``))).toEqual([])
})
