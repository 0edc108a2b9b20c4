/**
 * `server/rest/guide/guide-text.ts`, generated from `docs/guide.md`, so that the server shows the guide without a
 * renderer. `npm run dump` writes it, a test compares it. The guide is the only text that is used as HTML, and it is
 * our own.
 */
import { readFile } from 'node:fs/promises'
import { Marked, type Tokens } from 'marked'

const HEAD = `/**
 * The guide, as Markdown and as HTML. Written by \`npm run dump\` from \`docs/guide.md\`, and not to be edited.
 */
`

/** Returns the module. */
export async function guideModule(): Promise<string> {
  const markdown = await readFile(new URL('../../../docs/guide.md', import.meta.url), 'utf8')
  const sections = [...markdown.matchAll(/^## (.+)$/gm)].map(([, title = '']) => ({ id: idOf(title), title }))
  const list = sections.map(({ id, title }) => `  { id: '${id}', title: '${title}' },`)
  return `${HEAD}
/** The source. */
export const GUIDE_MARKDOWN = \`${literal(markdown)}\`

/** The sections, in order. */
export const GUIDE_SECTIONS = [
${list.join('\n')}
] as const

/** The same for a page. */
export const GUIDE_HTML = \`${literal(await htmlOf(markdown))}\`
`
}

const idOf = (title: string) => title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
const literal = (text: string) => text.replaceAll(/[\\`]|\$\{/g, '\\$&')

function htmlOf(markdown: string): string | Promise<string> {
  const marked = new Marked({ gfm: true })
  marked.use({
    renderer: {
      heading({ tokens, depth, text }: Tokens.Heading) {
        const id = idOf(text)
        return `<h${depth} id="${id}"><a href="#${id}">${this.parser.parseInline(tokens)}</a></h${depth}>\n`
      },
      // The page's own links: the reference is one level up, and the faults are a page as well.
      link({ href, tokens }: Tokens.Link) {
        return `<a href="${href.replace(/\.md$/, '')}">${this.parser.parseInline(tokens)}</a>`
      },
      table(token: Tokens.Table) {
        const heads = token.header.map(({ text }) => text)
        const inside = (cell: Tokens.TableCell) => this.parser.parseInline(cell.tokens)
        const head = token.header.map(cell => `<th>${inside(cell)}</th>`).join('')
        // On a phone, the cells are below each other, each with the name of its column.
        const cells = (row: readonly Tokens.TableCell[]) =>
          row.map((cell, at) => `<td data-of="${heads[at] ?? ''}">${inside(cell)}</td>`).join('')
        const rows = token.rows.map(row => `<tr>${cells(row)}</tr>`).join('\n')
        return `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${rows}\n</tbody></table>\n`
      },
    },
  })
  return marked.parse(markdown)
}
