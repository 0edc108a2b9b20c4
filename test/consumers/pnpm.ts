/**
 * A checkout that pnpm installs with its default linker, under a path with a space: the test starts it and registers
 * the sample database by the printed command. `npm run -s test:consumers -- --all` runs it; it needs the package registry. Exit
 * status 1 when the database is not verified.
 */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startEntryAt } from '#test/support/operations/processes.ts'

const PNPM = 'pnpm@10.34.9'
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
// The manifest names the tests' two folders as packages, though only development needs them.
const PARTS = ['server', 'shared', 'client', 'migrations', 'package.json', 'tsconfig.json']
const MANIFESTS = ['test/generator/package.json', 'test/servers/package.json']

const run = promisify(execFile)
const folder = await mkdtemp(join(tmpdir(), 'mooring pnpm '))
try {
  for (const part of [...PARTS, ...MANIFESTS]) await cp(join(ROOT, part), join(folder, part), { recursive: true })
  await run('npx', ['--yes', PNPM, 'install', '--prod', '--ignore-scripts'], { cwd: folder })
  const main = startEntryAt(folder, 'main', { PORT: '0', MOORING_DATA_DIR: join(folder, '.data') })
  try {
    const [, header = ''] = await main.line(/curl -sS http\S+datasources -H '(Authorization: Bearer \S+)'/)
    const [, body = ''] = await main.line(/-d '(\{"connectionString".*\})'/)
    const [, port] = await main.line(/"port":(\d+),"msg":"web and worker/)
    const answer = await fetch(`http://127.0.0.1:${port}/v1/datasources`, {
      method: 'POST',
      headers: {
        authorization: header.slice('Authorization: '.length),
        'content-type': 'application/json',
        prefer: 'wait=20',
      },
      body,
    })
    const status: unknown = Reflect.get(Object(await answer.json()), 'status')
    process.stdout.write(`installed by ${PNPM}: the sample database is ${String(status)}\n`)
    if (status !== 'active') process.exitCode = 1
  } finally {
    await main.stop()
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
