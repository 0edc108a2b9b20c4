/**
 * Each setting with each mistake that people make in a settings file: the error is one sentence that names the setting,
 * says what it must be, gives an example, and describes the mistake without the value.
 */
import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { cacheFolders, readCaller, readConfig, readMoveTarget } from '#server/config.ts'
import { ConfigError } from '#server/env.ts'
import { SETTINGS, unknownSettings } from '#server/settings/known-settings.ts'
import { envExample, settingsRows } from '#test/support/papers/env-example.ts'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
const readAll = (env: Record<string, string>) => [
  readConfig(env),
  readCaller({ MOORING_API_KEY: 'key', ...env }),
  cacheFolders(env, '/tmp'),
  readMoveTarget(env),
]

/** Returns the error about a value; null if the value is accepted. */
function said(name: string, value: string): string | null {
  try {
    readAll({ [name]: value })
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
}

const settings = Object.keys(SETTINGS).filter(name => name !== 'MOORING_LEASE_KEYS')
/** A shell runs these, so quotes, comments and blanks have their meaning. */
const FREE = ['MOORING_KEYRING_COMMAND']
const texts = settings.filter(name => !FREE.includes(name))
const example = (name: string) => SETTINGS[name] ?? ''
const isNumber = (name: string) => /^\d+$/.test(example(name)) && name !== 'MOORING_TRUST_PROXY'
const numbers = settings.filter(isNumber)
const LISTS = ['MOORING_ALLOWED_NETWORKS', 'MOORING_DNS_SERVERS', 'MOORING_EGRESS_ADDRESSES', 'MOORING_CORS_ORIGINS']
const WORDS = ['MOORING_RATE_LIMITS', 'MOORING_LOG_LEVEL']
const URLS = ['MOORING_PUBLIC_URL', 'MOORING_URL']
const DATABASES = ['DATABASE_URL', 'MOORING_LISTEN_URL', 'MOORING_MOVE_TO']
/** Read immediately, so a missing file is as wrong as any other value. */
const FILES = ['DATABASE_URL_FILE', 'MOORING_LISTEN_URL_FILE', 'MOORING_MOVE_TO_FILE']

const of = (names: readonly string[], wrong: RegExp, value: (name: string) => string) =>
  names.map(name => [name, value(name), wrong] as const)

/** A setting, a value, and the expected text of the error. */
const CASES = [
  ...of(settings, /its value is blank/, () => '   '),
  ...of(texts, /whitespace around its value/, name => ` ${example(name)} `),
  ...of(texts, /line break/, name => `${example(name)}\r`),
  ...of(texts, /quotes around its value/, name => `"${example(name)}"`),
  ...of(texts, /quotes around its value/, name => `'${example(name)}'`),
  ...of(texts, /a comment follows its value/, name => `${example(name)} # as always`),
  ...of(numbers, /its value has a unit/, name => `${example(name)}s`),
  ...of(numbers, /its value has a unit/, name => `${example(name)} MB`),
  ...of(numbers, /its value is too small/, () => '-1'),
  ...of(numbers, /its value is too large/, () => '99999999999'),
  ...of(numbers, /more than digits/, () => '1.5'),
  ...of(numbers, /more than digits/, () => '10,000'),
  ...of(numbers, /is not a number/, () => 'many'),
  ...of(['PORT', 'MOORING_HEALTH_PORT'], /Kubernetes sets for a Service/, () => 'tcp://10.0.0.1:9464'),
  ...of(LISTS, /not separated by commas/, name => example(name).replace(/,|$/, ';https://a.example')),
  ...of(LISTS, /not separated by commas/, name => `${example(name)} ${example(name)}`),
  ...of(LISTS, /item \d of its value is none/, name => `${example(name).split(',')[0]},nonsense`),
  ...of(['MOORING_ALLOWED_NETWORKS', 'MOORING_EGRESS_ADDRESSES'], /extra comma/, name => `${example(name)},`),
  ...of(WORDS, /is a different word/, () => 'loud'),
  ...of(WORDS, /in capital letters/, name => example(name).toUpperCase()),
  ...of(URLS, /does not begin with https:\/\//, () => 'mooring.example.com'),
  ...of(URLS, /has a different scheme/, () => 'ftp://mooring.example.com'),
  ...of(DATABASES, /its value is none/, () => 'mysql://app:s3cret@db/app'),
  ...of(DATABASES, /its value is none/, () => 'postgres://app:s3cret@db'),
  ...of(['MOORING_TRUST_PROXY'], /its value is none/, () => 'all'),
  ...of(['MOORING_TRUST_PROXY'], /its value is none/, () => '11'),
  ...of(FILES, /there is no such file/, () => '/nowhere/s3cret'),
  ...of(FILES, /it is a folder/, () => '/'),
  ...of(FILES, /is empty, or has more than one line/, () => '/dev/null'),
]

describe('A wrong value', () => {
  it('is tried for every setting', () => {
    const tried = new Set(CASES.map(([name]) => name))
    expect(settings.filter(name => !tried.has(name))).toEqual([])
    expect(CASES.length).toBeGreaterThan(300)
  })

  it.each(CASES)('of %s is named with the allowed values, an example and the mistake: %j', (name, value, wrong) => {
    const sentence = said(name, value) ?? ''
    expect(sentence).toMatch(/^[A-Z_]+ must be [^\n]+ such as [^\n]+; [^\n]+\.$/)
    expect(sentence.startsWith(`${name} must be `)).toBe(true)
    expect(sentence.split('; ').at(-1)).toMatch(wrong)
    expect(sentence).not.toContain('s3cret')
    if (/\d{6}|loud|nonsense|many|mooring\.example\.com$/.test(value) && !example(name).includes(value))
      expect(sentence).not.toContain(value)
  })

  it.each([
    ['port', 'postgres://app:s3cret@db:99999/app', 'a whole number from 1 to 65535'],
    ['sslmode', 'postgres://app:s3cret@db/app?sslmode=always', 'one of disable, allow, prefer'],
    ['sslmod', 'postgres://app:s3cret@db/app?sslmod=require', 'left out: Mooring does not support it'],
    ['connect_timeout', 'postgres://app:s3cret@db/app?connect_timeout=10s', 'a whole number of seconds'],
    ['sslcert', 'postgres://app:s3cret@db/app?sslcert=/a', 'given together with sslkey'],
    ['target_session_attrs', 'postgres://app:s3cret@db/app?target_session_attrs=standby', 'one of any, read-write'],
  ])('in a parameter of a database is named with the parameter: %s', (parameter, value, must) => {
    for (const name of DATABASES) {
      const sentence = said(name, value) ?? ''
      expect(sentence.startsWith(`${name}: ${parameter} must be ${must}`)).toBe(true)
      expect(sentence).toMatch(/^[^\n]+\.$/)
      expect(sentence).not.toContain('s3cret')
    }
  })

  it('that is empty counts as not set, for every setting', () => {
    for (const name of settings.filter(name => name !== 'MOORING_API_KEY' && name !== 'MOORING_ALLOWED_NETWORKS'))
      expect(readConfig({ [name]: '' }), name).toEqual(readConfig({}))
  })
})

describe('The table of settings', () => {
  it('has every variable that is read, and no other', () => {
    const names = new Set<string>()
    const watched = new Proxy<Record<string, string>>(
      { MOORING_API_KEY: 'key' },
      {
        get(target, name) {
          names.add(String(name))
          return target[String(name)]
        },
      },
    )
    readAll(watched)
    readConfig(watched)
    readCaller(watched)
    cacheFolders(watched, '/tmp')
    for (const name of ['HOME', 'XDG_CACHE_HOME']) names.delete(name)
    expect([...names, 'MOORING_LEASE_KEYS'].toSorted()).toEqual(Object.keys(SETTINGS).toSorted())
  })

  it.each(settings.filter(name => !FILES.includes(name)))('has an example that is accepted: %s', name => {
    expect(said(name, example(name))).toBe(null)
  })

  it('has examples of numbers that are the defaults', () => {
    // The defaults of these are determined by another setting or by the process.
    const others = ['MOORING_HEALTH_PORT', 'MOORING_DRAIN_SECONDS']
    for (const name of numbers.filter(name => !others.includes(name)))
      expect(readConfig({ [name]: example(name) }), name).toEqual(readConfig({}))
  })
})

describe('docs/settings.md and .env.example', () => {
  it('have every setting once', async () => {
    const rows = settingsRows(await read('docs/settings.md'))
    const named = rows.flatMap(({ names }) => names)
    expect(named.toSorted()).toEqual(Object.keys(SETTINGS).toSorted())
    const lines = (await read('.env.example')).match(/^#[A-Z_]+(?==)/gm) ?? []
    expect(lines.map(line => line.slice(1))).toEqual(named)
  })

  it('agree', async () => {
    expect(await read('.env.example'), 'run: npm run dump').toBe(envExample(await read('docs/settings.md')))
  })

  it('are parsed by Node as by a shell, with every line enabled', async () => {
    const text = (await read('.env.example')).replaceAll(/^#(?=[A-Z_]+=)/gm, '')
    const env = Object.fromEntries(Object.entries(parseEnv(text)).map(([name, value]) => [name, value ?? '']))
    expect(env).toEqual(SETTINGS)
    const inEnvironment = Object.entries(env).filter(([name]) => !FILES.includes(name))
    expect(() => readAll(Object.fromEntries(inEnvironment))).not.toThrow()
  })
})

describe('An unknown MOORING_ variable', () => {
  it.each([
    ['MOORING_POOLSIZE', 'MOORING_POOL_SIZE'],
    ['MOORING_ALLOW_NETWORKS', 'MOORING_ALLOWED_NETWORKS'],
    ['MOORING_PORT', 'PORT'],
    ['MOORING_DATABASE_URL', 'DATABASE_URL'],
    ['MOORING_LOGLEVEL', 'MOORING_LOG_LEVEL'],
    ['MOORING_APIKEY', 'MOORING_API_KEY'],
    ['MOORING_KEEP_AUDITS_DAYS', 'MOORING_KEEP_AUDIT_DAYS'],
    ['MOORING_SOMETHING_OF_ANOTHER_PROGRAM', null],
  ])('is reported with the name that was probably meant: %s', (name, nearest) => {
    expect(unknownSettings({ [name]: 'x', PATH: '/bin', ...SETTINGS })).toEqual([{ name, nearest }])
  })

  it('is not one that Kubernetes sets for a Service', () => {
    const env = {
      MOORING_SERVICE_HOST: '10.0.0.1',
      MOORING_SERVICE_PORT: '80',
      MOORING_WEB_SERVICE_PORT_HTTP: '80',
      MOORING_PORT: 'tcp://10.0.0.1:80',
      MOORING_WEB_PORT_80_TCP: 'tcp://10.0.0.1:80',
      MOORING_WEB_PORT_80_TCP_ADDR: '10.0.0.1',
    }
    expect(unknownSettings(env)).toEqual([])
  })
})
