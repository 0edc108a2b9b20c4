/**
 * docs/fixes.md has the rows of the catalogue; `npm run
 * test:fixes` verifies that its fixes are the printed ones.
 */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { CATALOGUE } from '#test/fixes/catalogue.ts'

const document = readFileSync(new URL('../../docs/fixes.md', import.meta.url), 'utf8')

it('docs/fixes.md has a row for each misconfiguration of the catalogue, in its order', () => {
  const titles = [...document.matchAll(/^\| \d+ \| (.+?) \| `/gm)].map(([, title]) => title)
  expect(titles, 'run: npm run test:fixes').toEqual(CATALOGUE.map(({ title }) => title))
})

it('Of at least forty, nine in ten are fixed', () => {
  const mended = CATALOGUE.filter(({ stays }) => stays === undefined).length
  expect(CATALOGUE.length).toBeGreaterThanOrEqual(40)
  expect(mended / CATALOGUE.length).toBeGreaterThanOrEqual(0.9)
  expect(document).toContain(`${mended} of them become active.`)
})
