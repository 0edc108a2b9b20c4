/** Derives the layers from the imports, fails on any other arrow, and enforces the house rules. */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { check } from '#test/support/house/architecture/check.ts'
import { unneededNames } from '#test/support/house/architecture/meanings.ts'
import { checkMigrations } from '#test/support/house/architecture/migrations.ts'
import { unusedArrows } from '#test/support/house/architecture/rooms.ts'
import { listFiles, readSources, sentence, sourceOf } from '#test/support/house/architecture/source.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const TOP_LEVEL = ['package.json', 'tsconfig.json', 'server', 'client', 'shared', 'migrations', 'test', 'README.md']
const FOR_TOOLS = ['package-lock.json', 'LICENSE', 'Dockerfile', 'compose.yaml', 'biome.json', 'vitest.config.ts']
const PAPERS = ['SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs']

describe('The tree', () => {
  it('has no arrow, cycle, library, size, name or construct that the design excludes', async () => {
    const sources = await readSources(root, ['shared', 'server', 'client', 'test'])
    expect(sources.map(source => source.path)).toContain('shared/faults/fault.ts')
    expect(check(sources).map(sentence)).toEqual([])
  })

  it('has exactly the drawn arrows between the rooms of its layers', async () => {
    const sources = await readSources(root, ['shared', 'server', 'client'])
    expect(unusedArrows(sources)).toEqual([])
  })

  it('has only names on the list of shared names that several files export', async () => {
    expect(unneededNames(await readSources(root, ['shared', 'server', 'client', 'test']))).toEqual([])
  })

  it('has numbered migrations, each with a statement of its purpose', async () => {
    const paths = await listFiles(root, 'migrations')
    const files = await Promise.all(paths.map(async path => ({ path, text: await readFile(root + path, 'utf8') })))
    expect(files.length).toBeGreaterThan(0)
    expect(checkMigrations(files).map(sentence)).toEqual([])
  })

  it('has the eight top-level names, the files that tools need beside them, and nothing else', async () => {
    const known = [...TOP_LEVEL, ...FOR_TOOLS, ...PAPERS, 'node_modules', 'dist']
    const names = (await readdir(root)).filter(name => !name.startsWith('.') && !name.endsWith('.log'))
    expect(names.filter(name => !known.includes(name))).toEqual([])
  })
})

const HEADER = '/**\n * A thing.\n * Called by tests.\n */\n'

/** The rules that a tree of these files breaks, as `file:line rule`. */
function broken(files: Record<string, string>, header = HEADER): string[] {
  const sources = Object.entries(files).map(([path, text]) => sourceOf(path, header + text))
  // Rooms have their own tests: these files need no place in the drawing of rooms.
  const found = check(sources).filter(({ rule }) => rule !== 'room')
  return found.map(({ file, line, rule }) => `${file}:${line} ${rule}`)
}

const lines = (count: number): string => 'void 0\n'.repeat(count)

describe('The picture', () => {
  it.each([
    ['shared', '#server/domain/access/scope.ts', 'shared/base/wire.ts'],
    ['domain', '#server/store/tasks/tasks.ts', 'server/domain/access/scope.ts'],
    ['store', '#server/seal/sealer.ts', 'server/store/tasks/tasks.ts'],
    ['seal', '#server/net/socket/dial.ts', 'server/seal/sealer.ts'],
    ['net', '#server/store/tasks/tasks.ts', 'server/net/socket/dial.ts'],
    ['api', '#server/work/loop.ts', 'server/api/router.ts'],
    ['api', '#server/net/socket/dial.ts', 'server/api/router.ts'],
    ['work', '#server/api/router.ts', 'server/work/loop.ts'],
    ['rest', '#server/store/tasks/tasks.ts', 'server/rest/app.ts'],
    ['a layer', '#server/config.ts', 'server/api/router.ts'],
    ['anything', '#server/main.ts', 'server/wiring-web.ts'],
    ['the web wiring', '#server/net/socket/dial.ts', 'server/wiring-web.ts'],
    ['the client', '#server/api/procedure/trpc.ts', 'client/index.ts'],
    ['the product', '#test/support/database/postgres.ts', 'server/main.ts'],
  ])('forbids %s to import %s', (_who, target, from) => {
    expect(broken({ [from]: `import { it } from '${target}'\n` })).toContain(`${from}:5 arrow`)
    expect(broken({ [from]: `import type { It } from '${target}'\n` })).toContain(`${from}:5 arrow`)
    expect(broken({ [from]: `type It = import('${target}').It\n` })).toContain(`${from}:5 arrow`)
    expect(broken({ [from]: `const load = () => import('${target}')\n` })).toContain(`${from}:5 arrow`)
  })

  it('permits the client types from the router, and nothing else', () => {
    const path = 'client/index.ts'
    expect(broken({ [path]: "import type { Router } from '#server/api/router.ts'\n" })).toEqual([])
    expect(broken({ [path]: "import { type Router } from '#server/api/router.ts'\n" })).toEqual([`${path}:5 arrow`])
  })

  it('permits a layer to name the type of its logger, and never to make one', () => {
    const path = 'server/work/loop.ts'
    expect(broken({ [path]: "import type { Log } from '#server/log.ts'\n" })).toEqual([])
    expect(broken({ [path]: "import { createLog } from '#server/log.ts'\n" })).toEqual([`${path}:5 arrow`])
  })

  it('rejects a folder that is not drawn', () => {
    expect(broken({ 'server/plugins/one.ts': '' })).toEqual(['server/plugins/one.ts:1 arrow'])
    expect(broken({ 'client/mobile/one.ts': '' })).toEqual(['client/mobile/one.ts:1 arrow'])
  })

  it('permits the arrows of the design', () => {
    expect(
      broken({
        'server/api/router.ts':
          "import { a } from '#server/store/tasks/tasks.ts'\nimport { b } from '#server/seal/sealer.ts'\n",
        'server/store/tasks/tasks.ts': "import { sql } from 'kysely'\nimport { Id } from '#shared/base/wire.ts'\n",
        'server/seal/sealer.ts': "import sodium from 'libsodium-wrappers'\n",
        'server/net/socket/dial.ts': "import { connect } from 'node:net'\nimport pg from 'pg'\n",
        'server/work/loop.ts': "import { dial } from '#server/net/socket/dial.ts'\n",
        'shared/base/wire.ts': "import { z } from 'zod'\n",
      }),
    ).toEqual([])
  })

  it('rejects a cycle through values or types', () => {
    const one = "import type { B } from './two.ts'\n"
    const files = { 'server/domain/one.ts': one, 'server/domain/two.ts': "export * from './one.ts'\n" }
    expect(broken(files)).toContain('server/domain/one.ts:1 cycle')
  })
})

describe('The rooms of a layer', () => {
  const wrong = (path: string, text: string): string[] =>
    check([sourceOf(path, HEADER + text)]).flatMap(({ rule, detail }) => (rule === 'room' ? [detail] : []))

  it.each([
    ['server/store/tasks/claims.ts', '#server/store/feeds/feeds.ts', 'server/store: tasks → feeds'],
    ['server/api/context.ts', '#server/api/datasources/update.ts', 'server/api: context → datasources'],
    ['server/api/schemas/reader/one.ts', '#server/api/schemas/introspect.ts', 'server/api: schemas/reader → schemas'],
    ['shared/base/one.ts', '#shared/faults/fault.ts', 'shared: base → faults'],
  ])('%s does not import %s', (path, target, arrow) => {
    expect(wrong(path, `import type { One } from '${target}'\n`)).toEqual([arrow])
  })

  it('must be drawn first', () => {
    expect(wrong('server/net/quic/one.ts', '')).toEqual(['server/net has no room quic in the picture'])
    expect(wrong('server/net/quic.ts', '')).toEqual(['server/net has no room quic in the picture'])
  })

  it('hold at most fifteen files each', () => {
    const files = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`server/net/socket/f${n}.ts`, '']))
    expect(broken(files(15))).toEqual([])
    expect(broken(files(16))).toEqual(['server/net/socket:1 folder-files'])
  })
})

describe('The walls', () => {
  it.each([
    ['the unsealer', 'server/seal/unsealer.ts'],
    ['the fingerprinter', 'server/seal/fingerprinter.ts'],
    ['the dialler', 'server/net/socket/dial.ts'],
    ['the worker', 'server/work/loop.ts'],
  ])('separate the web entry from %s over any number of steps, types included', (_what, forbidden) => {
    const files = {
      'server/web.ts': "import { wire } from './wiring-web.ts'\n",
      'server/wiring-web.ts': "import { api } from '#server/api/router.ts'\n",
      'server/api/router.ts': "import type { Box } from '#server/seal/sealer.ts'\n",
      'server/seal/sealer.ts': `const load = () => import('#${forbidden}')\n`,
      [forbidden]: '',
    }
    expect(broken(files)).toContain('server/web.ts:1 wall')
    expect(broken({ ...files, 'server/seal/sealer.ts': '' })).toEqual([])
  })

  it('count a file that starts as its own process', () => {
    const text = "const child = new URL('unsealer.ts', import.meta.url)\n"
    const files = { 'server/web.ts': "import { seal } from '#server/seal/sealer.ts'\n", 'server/seal/sealer.ts': text }
    expect(broken(files)).toContain('server/web.ts:1 wall')
  })

  it('keep Node and the Postgres driver out of browser bundles', () => {
    const files = { 'client/index.ts': "import { one } from './node.ts'\n", 'client/node.ts': "import pg from 'pg'\n" }
    expect(broken(files)).toEqual(['client/index.ts:1 wall', 'client/index.ts:1 wall'])
  })
})

describe('Ownership', () => {
  it.each([
    ['kysely', 'server/api/router.ts'],
    ['pg', 'server/work/loop.ts'],
    ['pg', 'client/index.ts'],
    ['libsodium-wrappers', 'server/work/loop.ts'],
    ['express', 'server/api/router.ts'],
    ['uuid', 'server/store/tasks/tasks.ts'],
    ['left-pad', 'server/api/router.ts'],
    ['node:fs', 'server/domain/access/scope.ts'],
    ['node:crypto', 'shared/base/wire.ts'],
    ['node:net', 'server/rest/app.ts'],
    ['node:child_process', 'server/api/router.ts'],
  ])('assigns %s to its owner alone', (name, path) => {
    expect(broken({ [path]: `import it from '${name}'\n` })).toContain(`${path}:5 ownership`)
  })

  it('of a type is independent of the ownership of its library', () => {
    const path = 'client/index.ts'
    expect(broken({ [path]: "import type { inferRouterOutputs } from '@trpc/server'\n" })).toEqual([])
    expect(broken({ [path]: "import { initTRPC } from '@trpc/server'\n" })).toEqual([`${path}:5 ownership`])
  })

  it('of the network belongs to net: no fetch elsewhere on the server', () => {
    const text = "const load = () => fetch('https://example.com')\n"
    expect(broken({ 'server/api/one.ts': text })).toEqual(['server/api/one.ts:5 ownership'])
    expect(broken({ 'server/net/one.ts': text })).toEqual([])
  })
})

describe('The budgets', () => {
  it('allow 250 lines in a file, 400 in the three tables', () => {
    const text = (count: number): string => '\n'.repeat(count - 4)
    expect(broken({ 'server/domain/one.ts': text(250) })).toEqual([])
    expect(broken({ 'server/domain/one.ts': text(251) })).toEqual(['server/domain/one.ts:1 file-lines'])
    expect(broken({ 'shared/faults/fault.ts': text(400) })).toEqual([])
    expect(broken({ 'shared/faults/fault.ts': text(401) })).toEqual(['shared/faults/fault.ts:1 file-lines'])
  })

  it('allow 40 lines in a function, 3 parameters and 8 exported values', () => {
    const path = 'server/domain/one.ts'
    expect(broken({ [path]: `function a() {\n${lines(38)}}\n` })).toEqual([])
    expect(broken({ [path]: `function a() {\n${lines(39)}}\n` })).toEqual([`${path}:5 function-lines`])
    expect(broken({ [path]: 'const a = (b: 1, c: 1, d: 1, e: 1) => 0\n' })).toEqual([`${path}:5 parameters`])
    const exported = '/** One. */\nexport const a = 1\n'
    const many = (count: number): string =>
      Array.from({ length: count }, (_, n) => exported.replace('a', `a${n}`)).join('')
    expect(broken({ [path]: `${many(8)}/** A type. */\nexport type T = 1\n` })).toEqual([])
    expect(broken({ [path]: many(9) })).toEqual([`${path}:1 exports`])
  })
})

describe('An exported name', () => {
  const exported = '/** A thing. */\nexport const finish = 1\n'
  const files = { 'server/domain/one.ts': exported, 'server/domain/two.ts': exported }

  it('has one declaration, whether it is of a value or of a type', () => {
    expect(broken(files)).toEqual(['server/domain/one.ts:6 meaning'])
    const type = exported.replace('const finish = 1', 'type finish = 1')
    expect(broken({ ...files, 'server/domain/two.ts': type })).toEqual(['server/domain/one.ts:6 meaning'])
    expect(broken({ ...files, 'server/domain/two.ts': exported.replace('finish', 'begin') })).toEqual([])
  })

  it('may repeat if every use is qualified by its module’s name', () => {
    const reader = "import * as two from './two.ts'\n"
    expect(broken({ ...files, 'server/domain/three.ts': reader })).toEqual([])
    const both = `${reader}import { finish } from './two.ts'\n`
    expect(broken({ ...files, 'server/domain/three.ts': both })).toEqual(['server/domain/one.ts:6 meaning'])
  })
})

describe('The house rules', () => {
  it.each([
    ['a docstring on each export', 'export const a = 1\n', '5 docstring'],
    ['no sentence that opens with what, who or where', '/** What is said. */\nexport const a = 1\n', '5 english'],
    ['nobody but they', '// Nobody knows his key.\nexport {}\n', '5 english'],
    ['nothing of ours', '// A key of ours.\nexport {}\n', '5 english'],
    ['a name in each docstring', '/** The same. */\nexport const a = 1\n', '5 english'],
    ['no default export', 'export default 1\n', '5 default-export'],
    ['no enum', 'enum A { B }\n', '5 enum'],
    ['no namespace', 'namespace A {}\n', '5 namespace'],
    ['no any', 'type A = any\n', '5 any'],
    ['no non-null assertion', 'const a = [1].at(0)!\n', '5 cast'],
    ['no cast without a reason', 'const a = 1 as unknown\n', '5 cast'],
    ['no cast by brackets', '// Reason.\nconst a = <unknown>1\n', '6 cast'],
    ['no barrel', "export { a } from './two.ts'\n", '5 barrel'],
    ['no environment', 'const a = () => process.env.HOME\n', '5 environment'],
    ['no environment by another spelling', "const a = () => process['env']\n", '5 environment'],
    ['no environment by the global object', 'const a = () => globalThis.process?.env\n', '5 environment'],
    ['no variable of a module', 'let a = 1\n', '5 module-state'],
    ['no container of a module', 'const a = new Map<string, string>()\n', '5 module-state'],
    ['no call at import', 'prepare()\n', '5 work-at-import'],
    ['no await at import', 'const a = await 1\n', '5 work-at-import'],
    ['no forbidden word in a name', 'const userHelper = 1\n', '5 name'],
    ['none in a pattern', 'const f = ({ a: { util } }: A) => 1\n', '5 name'],
    ['no unfinished business', '// TODO: more\n', '5 comment'],
    ['no ignored error', '// @ts-ignore\n', '5 comment'],
    ['no way out of the folder but by #', "import { a } from '../log.ts'\n", '5 specifier'],
    ['no import without an extension', "import { a } from './two'\n", '5 specifier'],
    ['no computed import', 'const load = (name: string) => import(name)\n', '5 specifier'],
    ['no parameter without a noun', 'const f = (of: A) => 1\n', '5 name'],
    ['none in a type of a function', 'type F = (of: A) => void\n', '5 name'],
    ['no loose organization', 'function f(tx: Tx, org: string) {}\n', '5 carrier'],
    ['no loose time', 'const f = (tx: Tx, { now }: { now: Date }) => now\n', '5 carrier'],
    ['none in a type', 'type F = (tx: Tx, now: Date) => void\n', '5 carrier'],
    ['no hidden transaction', 'const f = (tx: object) => ({ deps: { ...a, db: tx } })\n', '5 carrier'],
  ])('require %s', (_what, text, expected) => {
    expect(broken({ 'server/store/one.ts': text })).toContain(`server/store/one.ts:${expected}`)
  })

  it.each(['Reads it anew.', 'A reader is told.', 'For whoever reads.', 'Written otherwise than before.'])(
    'require no word of a translation: %s',
    comment => {
      expect(broken({ 'shared/base/one.ts': `// ${comment}\nexport {}\n` })).toContain('shared/base/one.ts:5 english')
    },
  )

  it.each(["'list anew'", '`whoever asks`', "['not one of ours']"])('nor in a literal text: %s', literal => {
    const text = `export const one = 1\nexport const text = ${literal}\n`
    expect(broken({ 'shared/base/one.ts': text })).toContain('shared/base/one.ts:6 english')
  })

  it('require a header of two to six lines', () => {
    const path = 'server/store/one.ts'
    const text = (count: number): string => `/**\n${' * Words.\n'.repeat(count)} */\n`
    for (const header of ['', '/* Not one. */\n', '// Not one.\n', `\n${HEADER}`, '/** Short. */\n', text(7)])
      expect(broken({ [path]: '' }, header)).toEqual([`${path}:1 header`])
    for (const header of [text(2), text(6), `#!/usr/bin/env node\n${HEADER}`])
      expect(broken({ [path]: '' }, header)).toEqual([])
  })

  it('accept code that only resembles a violation', () => {
    const text = [
      "import { metadata } from '#shared/base/wire.ts'",
      'const a = [1] as const',
      '// A reason.',
      'const b = a as unknown',
      "const c = new Set(['x'])",
      'const database = { data: 1, lib: 2 }',
      'const f = () => { let d = 1; return d }',
      'function g(tx: Tx, held: Claim, next: { dueAt: Date }) {}',
      'function h({ tx, org, now }: UnitOfWork, db: Db, { deps }: { deps: Omit<Deps, "db"> }) {}',
    ]
    expect(broken({ 'server/store/one.ts': `${text.join('\n')}\n` })).toEqual([])
    expect(broken({ 'server/config.ts': 'const a = () => process.env\n' })).toEqual([])
    expect(broken({ 'server/main.ts': 'await run()\n' })).toEqual([])
  })

  it('forbid certain words in a path', () => {
    expect(broken({ 'server/store/user-helpers.ts': '' })).toEqual(['server/store/user-helpers.ts:1 name'])
  })

  it('require migrations with gapless numbers and a first line that states their purpose', () => {
    const rules = (files: Record<string, string>): string[] =>
      checkMigrations(Object.entries(files).map(([path, text]) => ({ path, text }))).map(sentence)
    expect(rules({ 'migrations/0001_a.sql': '-- Why.\n', 'migrations/schema.sql': '' })).toEqual([])
    expect(rules({ 'migrations/0002_a.sql': '-- Why.\n' })).toHaveLength(1)
    expect(rules({ 'migrations/0001_a.sql': 'select 1;\n' })).toHaveLength(1)
    expect(rules({ 'migrations/later.sql': '-- Why.\n' })).toHaveLength(1)
  })
})
