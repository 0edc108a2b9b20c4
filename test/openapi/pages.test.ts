/**
 * The pages for people: `/` in a browser, the guide, the reference, the faults. Each fits a phone and a desktop and
 * keeps the policy that it is sent with; programs get the Markdown, or a 404 for an unknown path.
 */
import { once } from 'node:events'
import type { Server } from 'node:http'
import express from 'express'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { documentation } from '#server/rest/guide/docs.ts'
import { FAULTS } from '#shared/faults/fault.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { chromiumPath, startChromium } from '#test/support/http/chromium.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const CHROMIUM = chromiumPath()
const PAGES = ['/', '/docs/guide', '/docs', '/docs/faults']
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8'

let mooring: Mooring
/** Only the documents: if a console was built, `/` of a whole Mooring is the console. */
let alone: Server
let browser: Browser | null
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  const dialects = [connectionsDialect, datasourcesDialect(mooring.url)]
  const refused: express.Handler = (_, response) => void response.status(405).end()
  alone = express()
    .use(documentation({ publicUrl: mooring.url, dialects }, refused))
    .listen(0, '127.0.0.1')
  await once(alone, 'listening')
  browser = CHROMIUM === null ? null : await startChromium(CHROMIUM)
})
afterAll(async () => {
  await browser?.close()
  alone.close()
  await mooring.stop()
})

const address = () => `http://127.0.0.1:${portOf(alone)}`
const get = (path: string, accept?: string) =>
  mooring.call('GET', path, { key: null, headers: accept === undefined ? {} : { accept } })

/** Returns words in tables that take more than one line. */
const BROKEN_WORDS = `[...document.querySelectorAll('th, td code')].filter(cell => {
  const range = document.createRange()
  range.selectNodeContents(cell)
  return /^\\w+$/.test(cell.textContent.trim()) && range.getClientRects().length > 1
}).map(cell => cell.textContent)`

describe.each(PAGES)('The page %s', path => {
  it.skipIf(CHROMIUM === null).each([360, 1280])(
    'is at most %i pixels wide, has a title, and breaks no rule of its policy',
    async width => {
      const page = await browser?.newPage({ viewport: { width, height: 800 } })
      if (page === undefined) throw new Error('there is no browser')
      const said: string[] = []
      page.on('console', message => said.push(message.text()))
      page.on('requestfailed', request => said.push(request.url()))
      const response = await page.goto(`${address()}${path}`)
      expect(response?.status()).toBe(200)
      expect(await page.title()).toMatch(/^Mooring/)
      expect(await page.locator('h1').count()).toBe(1)
      const beyond = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(beyond).toBeLessThanOrEqual(0)
      // No word of a table is broken, and the list of contents leaves room for the page.
      expect(await page.evaluate(BROKEN_WORDS)).toEqual([])
      const contents = `document.querySelector('nav')?.getBoundingClientRect().height ?? 0`
      if (width < 1_000) expect(await page.evaluate(contents)).toBeLessThanOrEqual(400)
      // Without the style sheet, the body would have its default margins.
      expect(await page.evaluate('getComputedStyle(document.body).margin')).toBe('0px')
      expect(said).toEqual([])
      await page.close()
    },
  )

  it.skipIf(CHROMIUM === null)('has only links to existing places', async () => {
    const page = await browser?.newPage()
    if (page === undefined) throw new Error('there is no browser')
    await page.goto(`${address()}${path}`)
    const found = await page.locator('a').evaluateAll(links => links.map(link => String(Reflect.get(link, 'href'))))
    const links = [...new Set(found)]
    expect(links.length).toBeGreaterThan(0)
    const texts = new Map<string, string>()
    for (const link of links) {
      const { origin, pathname, hash } = new URL(link)
      expect(origin).toBe(address())
      const text = texts.get(pathname) ?? (await (await fetch(`${origin}${pathname}`)).text())
      texts.set(pathname, text)
      if (hash !== '') expect(text).toContain(`id="${hash.slice(1)}"`)
    }
    await page.close()
  })
})

describe('GET /', () => {
  it('is a page for a browser', async () => {
    const page = await fetch(`${address()}/`, { headers: { accept: BROWSER } })
    expect([page.status, page.headers.get('content-type'), page.headers.get('vary')]).toEqual([
      200,
      'text/html; charset=utf-8',
      'Accept',
    ])
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await page.text()).toContain('<a href="docs/guide">')
  })

  it('is the refusal of a path that is not there for a program, whether a console was built or not', async () => {
    for (const accept of ['*/*', 'application/json', 'application/json, text/html;q=0.5', 'text/plain']) {
      const refused = await get('/', accept)
      expect(refused, accept).toMatchObject({ status: 404, body: { type: 'AbloError', code: 'route_not_found' } })
    }
  })
})

describe('A program that reads', () => {
  it('is led by llms.txt to Markdown and to the document, all of which exist', async () => {
    const { text, headers } = await get('/llms.txt')
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(text).toMatch(/^# Mooring\n\n> .+\n/)
    const links = [...text.matchAll(/\]\((\S+)\)/g)].map(([, link = '']) => new URL(link).pathname)
    expect(links).toEqual(['/docs/guide.md', '/docs/faults.md', '/openapi.json'])
    for (const path of links) expect((await get(path)).status).toBe(200)
    const guide = await get('/docs/guide.md')
    expect(guide.headers.get('content-type')).toBe('text/markdown; charset=utf-8')
    expect(guide.text).toMatch(/^# Guide\n/)
  })
})

describe('An error', () => {
  it.each([
    ['/v1/datasources', 'apikey_missing'],
    ['/api/v1/connections', 'apikey_missing'],
    ['/nowhere', 'route_not_found'],
  ])('of %s has a link to the section of its code, which says what to do', async (path, code) => {
    const { headers } = await get(path)
    const [, link = '', relation] = /^<([^>]+)>; rel="(\w+)"$/.exec(headers.get('link') ?? '') ?? []
    expect([new URL(link).pathname, new URL(link).hash, relation]).toEqual(['/docs/faults', `#${code}`, 'help'])
  })

  it('has a section on the page and in the Markdown, each with something to do', async () => {
    const [page, markdown] = [(await get('/docs/faults')).text, (await get('/docs/faults.md')).text]
    for (const code of Object.keys(FAULTS)) {
      const section = page.split(`<section id="${code}">`)[1]?.split('</section>')[0] ?? ''
      expect(section, code).toMatch(/What to do\.<\/strong> \S.{20,}/)
      expect(markdown).toContain(`| \`${code}\``)
    }
  })
})
