/**
 * Settings whose mistakes only the start can find: files and their modes, and our own database. The error is one
 * sentence that names the setting and never a password. A misspelt setting causes a warning.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { NoConnection } from '#server/store/connection/availability.ts'
import { databaseTrouble } from '#server/store/connection/database-trouble.ts'
import { type Installation, prepareInstallation } from '#test/support/mooring/installation.ts'
import { type Running, startEntry, startMainBehind } from '#test/support/operations/processes.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const SECRET = 'Tell-N0-one'

let installation: Installation
let dir: string
beforeAll(async () => {
  installation = await prepareInstallation()
  dir = await mkdtemp(join(tmpdir(), 'mooring-settings-'))
  await chmod(dir, 0o755)
  await mkdir(join(dir, 'folder'))
  await writeFile(join(dir, 'empty.pem'), 'no certificate')
  await writeFile(join(dir, 'open.json'), '{}', { mode: 0o644 })
  await writeFile(join(dir, 'broken.json'), '{', { mode: 0o600 })
})
afterAll(async () => {
  await installation.remove()
  await rm(dir, { recursive: true, force: true })
})

async function refused(one: Running): Promise<string> {
  expect(await one.ended).toBe(1)
  expect(one.out).toEqual([])
  expect(one.err()).toMatch(/^[^\n]+\n$/)
  expect(one.err()).not.toContain(SECRET)
  return one.err().trimEnd()
}

const start = (entry: 'web' | 'worker', env: Record<string, string>) =>
  refused(startEntry(entry, { ...installation.env(entry), ...env }))

describe('A file', () => {
  it.each([
    ['none.pem', 'there is no such file'],
    ['folder', 'it is a folder'],
    ['empty.pem', 'there is no certificate in that file'],
  ])('of MOORING_EXTRA_CA is named with what is wrong: %s', async (name, wrong) => {
    const must = 'MOORING_EXTRA_CA must be the path of a readable file with certificates as PEM'
    const sentence = `${must}, such as /etc/mooring/ca.pem; ${wrong}.`
    expect(await start('worker', { MOORING_EXTRA_CA: join(dir, name) })).toBe(sentence)
  })

  it.each([
    ['none.json', /^MOORING_KEYRING: There is no keyring at .*\/none\.json\. .* keyring init --dir DIR; /],
    [
      'open.json',
      /^MOORING_KEYRING: The keyring .*\/open\.json can be read by others\. Run: chmod 600 .*\/open\.json$/,
    ],
    ['broken.json', /^MOORING_KEYRING: The keyring is not valid JSON\. Restore it from its backup, /],
    ['folder', /^MOORING_KEYRING must be the file web\.json in the folder that keyring init made, not a folder\.$/],
  ])('of MOORING_KEYRING is named with the remedy: %s', async (name, sentence) => {
    expect(await start('web', { MOORING_KEYRING: join(dir, name) })).toMatch(sentence)
  })

  it('that another account owns is named with the account, for each setting', async context => {
    if (process.getuid?.() !== 0) return context.skip('only root can become another account')
    const file = join(dir, 'closed')
    await writeFile(file, '{}', { mode: 0o600 })
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const
    const env = { ...installation.env('both'), MOORING_KEYRING: file }
    expect(await refused(startMainBehind(nobody, env))).toMatch(/^MOORING_KEYRING .*the folder that keyring init made/)
  })
})

describe('Our own database', () => {
  const at = (change: (url: URL) => void) => {
    const url = new URL(installation.databaseUrl)
    change(url)
    return url.href
  }
  const CASES: readonly (readonly [string, () => string, RegExp])[] = [
    [
      'is not there',
      () =>
        at(url => {
          url.port = '1'
        }),
      /^nothing listens at its host and port; .* \(ECONNREFUSED\)\.$/,
    ],
    [
      'has no name',
      () =>
        at(url => {
          url.hostname = 'db.invalid'
        }),
      /^the host's name cannot be resolved; check its spelling/,
    ],
    [
      'refuses the password',
      () =>
        at(url => {
          url.password = SECRET
        }),
      /^the server refuses the user or password; .* \(28P01\)\.$/,
    ],
    [
      'refuses the user',
      () =>
        at(url => {
          url.username = 'nobody_here'
        }),
      /^the server refuses the user or password; /,
    ],
    [
      'has another name',
      () =>
        at(url => {
          url.pathname = '/other'
        }),
      /^the server has no database with that name; .* \(3D000\)\.$/,
    ],
    [
      'names no authority',
      () =>
        at(url => {
          url.search = `?sslmode=verify-ca&sslrootcert=${dir}/none.pem`
        }),
      /^sslrootcert must be the path of a PEM file that this process can read\.$/,
    ],
    [
      'accepts no writes',
      () =>
        at(url => {
          url.search = '?options=-c%20default_transaction_read_only%3Don&target_session_attrs=read-write'
        }),
      /^no host accepts writes; name the primary/,
    ],
    [
      'is empty',
      () =>
        at(url => {
          url.pathname = '/postgres'
        }),
      /^the database lacks \d+ migrations\. Run: npm run -s mooring -- migrate$/,
    ],
  ]

  it.each(CASES)('that %s is reported in one sentence that begins with DATABASE_URL', async (_, url, sentence) => {
    const told = await start('web', { DATABASE_URL: url() })
    expect(told.slice(0, 'DATABASE_URL: '.length)).toBe('DATABASE_URL: ')
    expect(told.slice('DATABASE_URL: '.length)).toMatch(sentence)
  })

  it('is reported by a command in the same way', async () => {
    const url = at(url => {
      url.password = SECRET
    })
    const command = startEntry('cli', { ...installation.env('both'), DATABASE_URL: url }, ['keys', 'list'])
    expect(await refused(command)).toMatch(/^DATABASE_URL: the server refuses the user or password; /)
  })

  it.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', "no trusted authority issued the server's certificate; name the authority's file"],
    ['CERT_HAS_EXPIRED', "the server's certificate has expired; renew it"],
    ['ERR_TLS_CERT_ALTNAME_INVALID', "the server's certificate is for another name; use a name in it"],
  ])('whose certificate is refused is reported with the remedy: %s', (code, sentence) => {
    const error = Object.assign(new Error(`of ${SECRET}`), { code })
    const told = databaseTrouble('DATABASE_URL', new NoConnection(error))?.message ?? ''
    expect(told.startsWith(`DATABASE_URL: ${sentence}`)).toBe(true)
    expect(told).not.toContain(SECRET)
    // An expired file of our own is not a problem of the database.
    expect(databaseTrouble('DATABASE_URL', new Error('nothing of the database'))).toBe(null)
  })

  it('behind MOORING_LISTEN_URL is reported under that name', async () => {
    const sentence = await start('worker', {
      MOORING_LISTEN_URL: at(url => {
        url.password = SECRET
      }),
    })
    expect(sentence).toMatch(/^MOORING_LISTEN_URL: the server refuses the user or password; /)
  })
})

describe('A mistyped setting', () => {
  it('causes a warning from a process and from a command, which continue', async () => {
    const env = { MOORING_POOLSIZE: SECRET, MOORING_OTHER_THING_ENTIRELY: SECRET }
    const web = startEntry('web', { ...installation.env('web'), ...env })
    await web.line(/"msg":"web is listening"/)
    const warned = web.out.filter(line => line.includes('a setting is unknown')).map(line => JSON.parse(line))
    const told = { level: 40, stage: 'start', reason: 'unknown_setting' }
    expect(warned).toMatchObject([
      { ...told, setting: 'MOORING_POOLSIZE', nearest: 'MOORING_POOL_SIZE' },
      { ...told, setting: 'MOORING_OTHER_THING_ENTIRELY', nearest: null },
    ])
    expect(await web.stop()).toBe(0)
    const command = startEntry('cli', { ...installation.env('both'), ...env }, ['keys', 'list'])
    expect(await command.ended).toBe(0)
    expect(command.err()).toBe(
      'MOORING_POOLSIZE is not a setting and has no effect. Did you mean MOORING_POOL_SIZE?\n' +
        'MOORING_OTHER_THING_ENTIRELY is not a setting and has no effect.\n',
    )
    expect(web.out.join('\n')).not.toContain(SECRET)
  })
})
