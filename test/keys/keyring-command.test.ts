/**
 * A keyring that a command prints, such as that of a KMS or a vault: never in a file, the environment, an argument or a
 * log.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { webKeyring } from '#server/process/keyring-source.ts'
import { difference, effects } from '#test/support/database/rows.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Installation, prepareInstallation } from '#test/support/mooring/installation.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'

// Each test starts several processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

type Role = 'web' | 'worker'
const ROLES = ['web', 'worker'] as const
/** The command's own output on standard error. */
const ASIDE = 'vault-token-of-the-day'

let installation: Installation
let customer: Customer
let dir: string
let command: string
const running: Running[] = []
beforeAll(async () => {
  installation = await prepareInstallation()
  customer = await makeCustomer()
  dir = await mkdtemp(join(tmpdir(), 'mooring-vault-'))
  const script = join(dir, 'print-keyring')
  const lines = [`echo "$1" >> '${dir}/asked'`, `echo '${ASIDE}' >&2`, `cat '${installation.keyrings}'/"$1".json`]
  await writeFile(script, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o700 })
  command = `'${script}' "$1"`
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(one => one.stop('SIGKILL')))
  await rm(join(dir, 'asked'), { force: true })
})
afterAll(async () => {
  await installation.remove()
  await customer.drop()
  await rm(dir, { recursive: true, force: true })
})

/** Starts an entry with a command for its keyring, and no file unless `env` names one. */
function start(
  entry: Role | 'cli',
  given: string,
  subject: { readonly args?: readonly string[]; readonly env?: Record<string, string> } = {},
): Running {
  const { MOORING_KEYRING: _, ...env } = installation.env(entry === 'cli' ? 'both' : entry)
  const nowhere = { MOORING_DATA_DIR: join(dir, 'nowhere'), MOORING_LOG_LEVEL: 'trace' }
  const one = startEntry(entry, { ...env, ...nowhere, ...subject.env, MOORING_KEYRING_COMMAND: given }, subject.args)
  running.push(one)
  return one
}

const asked = async () => (await readFile(join(dir, 'asked'), 'utf8')).trim().split('\n').sort()

/** The secrets: the beginning of each key of both keyrings, and the command's other output. */
async function unspeakable(): Promise<string[]> {
  const texts = await Promise.all(ROLES.map(role => readFile(join(installation.keyrings, `${role}.json`), 'utf8')))
  const keys = [...texts.join('\n').matchAll(/"(?:secret|public)": "([^"]{12})/g)].map(found => found[1] ?? '')
  expect(keys.length).toBeGreaterThan(10)
  return [...new Set(keys), ASIDE]
}

async function expectSilence(places: Readonly<Record<string, string>>): Promise<void> {
  const secrets = await unspeakable()
  const reported = Object.entries(places).filter(([, text]) => secrets.some(secret => text.includes(secret)))
  expect(reported.map(([place]) => place)).toEqual([])
}

describe('A keyring from a command', () => {
  it('serves web and worker for registrations and verifications, and appears in no output, environment or argument', async () => {
    const [web, worker] = [start('web', command), start('worker', command)]
    const [, port] = await web.line(/"port":(\d+),"msg":"web/)
    await worker.line(/worker is running/)
    expect(await asked()).toEqual(['web', 'worker'])
    const answer = await fetch(`http://127.0.0.1:${port}/v1/datasources`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${installation.testKey}`,
        'content-type': 'application/json',
        prefer: 'wait=20',
      },
      body: JSON.stringify({ connectionString: customer.url() }),
    })
    expect([answer.status, await answer.json()]).toMatchObject([201, { status: 'active' }])
    for (const one of [web, worker]) {
      const kept = process.platform === 'linux' ? await procOf(one) : {}
      await expectSilence({ ...kept, output: one.out.join('\n'), errors: one.err() })
    }
  })

  it('serves the operator’s commands, too: the worker’s', async () => {
    const one = start('cli', command, { args: ['keys', 'create', '--mode', 'test'] })
    expect([await one.ended, one.err()]).toEqual([0, ''])
    expect(one.out).toEqual([expect.stringMatching(/^sk_test_/)])
    expect(await asked()).toEqual(['worker'])
  })
})

describe('Keyrings that a command prints', () => {
  const SAYS =
    /^The keyring comes from MOORING_KEYRING_COMMAND: put both files into a folder, run this with MOORING_KEYRING=DIR and without the command, and put the files back before you send SIGHUP\.\n$/

  it.each(['rotate-master', 'rotate-signing', 'rotate-pepper', 'rotate-fingerprint', 'rotate-lease', 'retire'])(
    'are not changed by keyring %s, which explains how; neither is a folder that is named beside it',
    async words => {
      const texts = () => Promise.all(ROLES.map(role => readFile(join(installation.keyrings, `${role}.json`), 'utf8')))
      const [before, files] = [await effects(installation.databaseUrl), await texts()]
      for (const named of [{}, { MOORING_KEYRING: installation.keyrings }]) {
        const one = start('cli', command, { args: ['keyring', words], env: named })
        expect([await one.ended, one.out]).toEqual([1, []])
        expect(one.err()).toMatch(SAYS)
      }
      expect(await texts()).toEqual(files)
      expect(difference(before, await effects(installation.databaseUrl))).toEqual([])
    },
  )
})

async function procOf({ child }: Running): Promise<Record<string, string>> {
  const [environ, cmdline] = await Promise.all(
    ['environ', 'cmdline'].map(name => readFile(`/proc/${child.pid}/${name}`, 'utf8')),
  )
  expect(environ).toContain('MOORING_KEYRING_COMMAND=')
  expect(cmdline).toContain('server/')
  return { environ: environ ?? '', cmdline: cmdline ?? '' }
}

describe('A start is refused, with a sentence that names the remedy,', () => {
  const other = (role: Role) => (role === 'web' ? 'worker' : 'web')
  const fileOf = (role: Role) => `'${installation.keyrings}/${role}.json'`
  it.each<[string, (role: Role) => string, RegExp]>([
    [
      'fails, though it printed a keyring',
      role => `cat ${fileOf(role)}; echo ${ASIDE} >&2; exit 3`,
      /^MOORING_KEYRING_COMMAND failed.* and (web|worker) as \$1, and must print only that role's keyring/,
    ],
    [
      'prints nothing',
      () => `echo; echo ${ASIDE} >&2`,
      /^MOORING_KEYRING_COMMAND printed nothing.* must print only that/,
    ],
    [
      'prints the other role’s keyring',
      role => `cat ${fileOf(other(role))}`,
      /invalid \(role: .*Restore it from its backup/,
    ],
    ['prints half a keyring', role => `head -c 300 ${fileOf(role)}`, /not valid JSON.*Restore it from its backup/],
    ['prints without end', () => `yes ${ASIDE}`, /^MOORING_KEYRING_COMMAND failed/],
  ])('when the command %s', async (_what, given, message) => {
    const before = await effects(installation.databaseUrl)
    const started = ROLES.map(role => start(role, given(role)))
    for (const one of started) {
      expect(await one.ended).toBe(1)
      expect(one.out).toEqual([])
      expect(one.err()).toMatch(message)
      expect(one.err().trimEnd().split('\n')).toHaveLength(1)
      await expectSilence({ errors: one.err() })
    }
    expect(difference(before, await effects(installation.databaseUrl))).toEqual([])
  })

  it('when the command does not end, and ignores SIGTERM: it is killed', async () => {
    const pidFile = join(dir, 'pid')
    const hanging = `echo $$ > '${pidFile}'; trap '' TERM; cat ${fileOf('web')}; exec sleep 600`
    const refused = webKeyring({ keyring: '', keyringCommand: hanging }, false, 10_000)
    await expect(refused).rejects.toThrow(/failed, or took longer than 10 s\. It is run with sh -c and web as \$1/)
    const pid = Number(await readFile(pidFile, 'utf8'))
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  })
})
