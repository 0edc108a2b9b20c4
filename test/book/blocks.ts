/**
 * The marked blocks of docs/operations.md as shell scripts: `sh install`, and `sh book` with the test's own steps
 * around it. The suite checks their marks; `npm run test:book` runs them.
 */

/** The test's steps before and after a block, by its mark: paths of its control server. */
const AROUND: Readonly<Record<string, { readonly before?: string; readonly behind?: string }>> = {
  book: {},
  // Calls continue through a balancer, and none fails.
  'book under load': { before: 'begin', behind: 'served' },
  // Calls may fail, but everything that was acknowledged exists afterwards.
  'book losing nothing': { before: 'begin', behind: 'kept' },
  // Prometheus scrapes the processes and answers every query of the dashboard and of the alerts.
  'book watched': { behind: 'queries' },
  'book a quarter of an hour later': { before: 'later' },
}

/** A marked block. */
export interface Block {
  readonly mark: string
  /** The heading above the block. */
  readonly chapter: string
  readonly text: string
}

/** Returns all marked blocks, in order. Throws for an unknown mark. */
export function blocksOf(book: string): Block[] {
  let chapter = ''
  return [...book.matchAll(/^##+ (.*)$|^```sh (\S.*)\n([\s\S]*?)^```$/gm)].flatMap(([, heading, mark, text = '']) => {
    if (heading !== undefined) chapter = heading
    if (mark === undefined) return []
    if (mark !== 'install' && AROUND[mark] === undefined) throw new Error(`a mark that the book does not know: ${mark}`)
    return [{ mark, chapter, text }]
  })
}

/** A shell function that calls the control server. */
const CALL_CONTROL = `control() {
  node -e 'fetch(process.argv[1]).then(async answer => {
    const text = await answer.text()
    console.log(text)
    process.exit(answer.ok ? 0 : 1)
  })' "$CONTROL/$1"
}`

/** Returns one script of all blocks except those of the installation. */
export function scriptOf(blocks: readonly Block[]): string {
  const steps = blocks.filter(({ mark }) => mark !== 'install')
  const told = steps.flatMap(({ mark, chapter, text }, at) => {
    const { before, behind } = AROUND[mark] ?? {}
    return [
      `echo "step ${at + 1} of ${steps.length}: ${chapter} (\${SECONDS} s)"`,
      ...(before === undefined ? [] : [`control "${before}?key=\${KEY:-}"`]),
      text,
      ...(behind === undefined ? [] : [`control "${behind}?key=\${KEY:-}"`]),
    ]
  })
  return [CALL_CONTROL, ...told].join('\n')
}
