/**
 * Checks Dockerfile, compose.yaml, the systemd units and pgbouncer.ini: each refers only to things that exist here,
 * confines the programs that it starts, and agrees with the others. Nothing is built or started here: `npm run
 * test:book` runs the layout of the image.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { readConfig } from '#server/config.ts'
import { VERSION } from '#shared/base/version.ts'
import { SERVER_ENTRIES } from '#test/support/packages/source-places.ts'
import { runOf, stagesOf } from './dockerfile.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const programs = SERVER_ENTRIES.map(path => path.replace(/\.ts$/, '.js'))

const Texts = z.array(z.string())
const Service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.literal('.'), target: z.string() }).optional(),
  user: z.string().optional(),
  profiles: Texts.optional(),
  entrypoint: Texts.optional(),
  command: Texts.optional(),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.union([z.string(), z.strictObject({ source: z.string(), target: z.string() })])).default([]),
  networks: Texts.min(1),
  ports: Texts.default([]),
  volumes: Texts.default([]),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).default({}),
  deploy: z.strictObject({ replicas: z.number() }).optional(),
  healthcheck: z.union([
    z.strictObject({ disable: z.literal(true) }),
    z.strictObject({ test: Texts, interval: z.string(), timeout: z.string(), start_period: z.string() }),
  ]),
  read_only: z.literal(true),
  tmpfs: Texts,
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  ulimits: z.strictObject({ core: z.literal(0) }),
  restart: z.string(),
  stop_grace_period: z.string().optional(),
  stop_signal: z.string().optional(),
  shm_size: z.string().optional(),
})
const Compose = z.strictObject({
  'x-confined': z.unknown(),
  'x-mooring': z.unknown(),
  services: z.record(z.string(), Service),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  networks: z.record(z.string(), z.strictObject({ internal: z.literal(true).optional() })),
  volumes: z.record(z.string(), z.strictObject({})),
})
// Each service must be confined: the schema refuses one that is not, and any unknown key.
const compose = Compose.parse(parse(read('compose.yaml'), { merge: true }))
const services = Object.entries(compose.services)
const stages = stagesOf(read('Dockerfile'))
const image = runOf(stages.at(-1) ?? { base: '', name: '', instructions: [] })

const folder = mkdtempSync(join(tmpdir(), 'mooring-compose-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Returns a service's environment as its process receives it; secrets are files. */
function environmentOf(service: z.infer<typeof Service>): Record<string, string> {
  const url = join(folder, 'url')
  writeFileSync(url, 'postgres://mooring_web:secret@pgbouncer:6432/mooring\n')
  return Object.fromEntries(
    Object.entries(service.environment).map(([name, value]) => {
      if (name.endsWith('_FILE')) return [name, url]
      return [name, value.replace(/\$\{PUBLIC_URL:\?\}/, 'https://mooring.example.com')]
    }),
  )
}

/** Returns the names of the variables that the product reads. */
function variablesRead(): Set<string> {
  const names = new Set<string>()
  readConfig(new Proxy({}, { get: (_, name) => void names.add(String(name)) }))
  return names
}

describe('The Dockerfile', () => {
  it('ends with the stage that runs Mooring, as a numeric user other than root, with programs that the build creates', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'pgbouncer', 'mooring'])
    for (const { instructions } of stages.slice(1))
      expect(instructions.filter(({ name }) => name === 'USER')).toEqual([{ name: 'USER', rest: '65534:65534' }])
    expect(programs).toContain(image.command.at(-1))
    expect(image.command).toContain('--disable-sigusr1')
  })

  it('copies what exists, and runs scripts of package.json', () => {
    const { scripts } = JSON.parse(read('package.json'))
    for (const { name, rest } of stages[0]?.instructions ?? []) {
      if (name === 'COPY')
        for (const from of rest.split(' ').slice(0, -1)) expect(existsSync(join(ROOT, from)), from).toBe(true)
      for (const [, script] of name === 'RUN' ? rest.matchAll(/npm run (?:-s )?(\S+)/g) : [])
        expect(scripts).toHaveProperty([script ?? ''])
    }
  })

  it('has the version of Node that the tests use', () => {
    const major = process.versions.node.split('.')[0]
    const bases = stages.filter(({ name }) => name !== 'pgbouncer').map(({ base }) => base)
    expect(bases).toEqual([`node:${major}-bookworm-slim`, `node:${major}-bookworm-slim`])
  })
})

describe('compose.yaml', () => {
  it('runs web and worker twice each, PostgreSQL, PgBouncer, and commands on request', () => {
    const count = ([name, { profiles, deploy }]: (typeof services)[number]) => [
      name,
      profiles === undefined ? (deploy?.replicas ?? 1) : 0,
    ]
    expect(Object.fromEntries(services.map(count))).toEqual({
      web: 2,
      worker: 2,
      operator: 0,
      postgres: 1,
      pgbouncer: 1,
    })
    for (const [name, { image: tag, build }] of services)
      if (build !== undefined) {
        expect(stages.map(one => one.name)).toContain(build.target)
        if (build.target === 'mooring') expect([name, tag]).toEqual([name, `mooring:${VERSION}`])
      }
  })

  it('starts programs that the build creates', () => {
    for (const name of ['web', 'worker'])
      expect(compose.services[name]?.command).toEqual(image.command.with(-1, `server/${name}.js`))
    expect(compose.services['operator']?.entrypoint).toEqual(['node', 'server/cli.js'])
    expect(programs).toEqual(expect.arrayContaining(['server/web.js', 'server/worker.js', 'server/cli.js']))
  })

  it.each(['web', 'worker', 'operator'])('gives %s settings that it knows and starts with', name => {
    const service = Service.parse(compose.services[name])
    const known = variablesRead()
    expect(Object.keys(service.environment).filter(one => !known.has(one))).toEqual([])
    const config = readConfig(environmentOf(service))
    expect(config.databaseUrl).toBe('postgres://mooring_web:secret@pgbouncer:6432/mooring')
    if (name !== 'operator') expect([config.healthHost, config.healthPort]).toEqual(['0.0.0.0', 9464])
  })

  it('checks the health of each container, and that of Mooring as the image does', () => {
    for (const [name, { healthcheck }] of services) {
      if ('disable' in healthcheck) expect(name).toBe('operator')
      else expect(healthcheck.test[0]).toBe('CMD')
    }
    for (const name of ['web', 'worker'])
      expect(compose.services[name]?.healthcheck).toMatchObject({ test: ['CMD', ...image.health] })
    expect(image.health.join(' ')).toContain(':9464/readyz')
  })

  it('waits only for services with a health check', () => {
    const awaited = services.flatMap(([, { depends_on }]) => Object.keys(depends_on))
    expect(new Set(awaited)).toEqual(new Set(['postgres', 'pgbouncer']))
    for (const name of awaited) expect(compose.services[name]?.healthcheck).toHaveProperty('test')
  })

  it('passes secrets only as files, each to the services that need it', () => {
    const given = services.flatMap(([name, { secrets }]) =>
      secrets.map(one => [typeof one === 'string' ? one : one.source, name]),
    )
    expect(Object.fromEntries(given)).toEqual({
      ...{ web_url: 'web', web_keyring: 'web', worker_url: 'worker', worker_keyring: 'worker' },
      ...{ owner_url: 'operator', owner_password: 'postgres', userlist: 'pgbouncer' },
    })
    expect(Object.keys(compose.secrets).sort()).toEqual(given.map(([secret]) => secret).sort())
    for (const [, { environment }] of services)
      for (const [name, value] of Object.entries(environment)) {
        expect(`${name}=${value}`).not.toMatch(/:\/\/[^/]*@|(PASSWORD|URL|SECRET)=(?!\$\{PUBLIC_URL)/)
        if (name.endsWith('_FILE')) expect(compose.secrets).toHaveProperty([value.replace('/run/secrets/', '')])
      }
  })

  it('publishes only the callers’ port, and lets only Mooring reach the database', () => {
    const published = services.filter(([, { ports }]) => ports.length > 0).map(([name, { ports }]) => [name, ports])
    expect(published).toEqual([['web', ['3000-3001:3000']]])
    const isOpen = (network: string) => compose.networks[network]?.internal !== true
    const reachable = services.map(([name, { networks }]) => [name, networks.filter(isOpen)])
    expect(Object.fromEntries(reachable)).toEqual({
      ...{ web: ['callers'], worker: ['dials'], operator: [], postgres: [], pgbouncer: [] },
    })
  })
})

describe('docs/pgbouncer/pgbouncer.ini', () => {
  it('allows the connections of the processes in compose.yaml, and of one more while they are replaced', () => {
    const settings = Object.fromEntries(
      [...read('docs/pgbouncer/pgbouncer.ini').matchAll(/^(\w+) = (.*)$/gm)].map(([, name, value]) => [name, value]),
    )
    const { poolSize } = readConfig({})
    for (const name of ['web', 'worker']) {
      const processes = (compose.services[name]?.deploy?.replicas ?? 0) + 1
      expect(Number(settings['default_pool_size'])).toBeGreaterThanOrEqual(processes * (poolSize + 1) + 2)
    }
    expect(settings).toMatchObject({ auth_type: 'scram-sha-256', pool_mode: 'session', listen_port: '6432' })
    expect(compose.services['pgbouncer']?.volumes).toEqual([
      './docs/pgbouncer/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro',
    ])
    expect(settings['auth_file']).toBe('/etc/pgbouncer/userlist.txt')
  })
})

const CONFINED = [
  ...['NoNewPrivileges=yes', 'ProtectSystem=strict', 'ProtectHome=yes', 'PrivateTmp=yes', 'PrivateDevices=yes'],
  ...['PrivateUsers=yes', 'CapabilityBoundingSet=', 'SystemCallFilter=@system-service', 'RestrictNamespaces=yes'],
  ...['LimitCORE=0', 'UMask=0077', 'ProtectKernelTunables=yes', 'ProtectProc=invisible', 'Restart=on-failure'],
]

describe.each(['web', 'worker'])('The unit of %s', tier => {
  const unit = `docs/systemd/mooring-${tier}.service`
  const lines = read(unit).split('\n')
  const setting = (name: string) => lines.find(line => line.startsWith(`${name}=`))?.slice(name.length + 1)

  it('starts the program as the image does, confined and as a user of its own', () => {
    expect(setting('ExecStart')).toBe(`/usr/bin/${image.command.with(-1, `server/${tier}.js`).join(' ')}`)
    expect([setting('User'), setting('ExecReload')]).toEqual([`mooring-${tier}`, '/bin/kill -HUP $MAINPID'])
    expect(CONFINED.filter(line => !lines.includes(line))).toEqual([])
    // V8 generates code at run time.
    expect(lines).not.toContain('MemoryDenyWriteExecute=yes')
  })

  it('gives a process the maximum time that it needs to drain and finish', () => {
    // The drain, the grace period, and the time until the process kills itself.
    expect(Number(setting('TimeoutStopSec'))).toBeGreaterThanOrEqual(5 + 20 + 5)
    expect(compose.services[tier]?.stop_grace_period).toBe(`${setting('TimeoutStopSec')}s`)
  })

  it.skipIf(!existsSync('/usr/bin/systemd-analyze'))(
    'passes systemd’s own check, with an exposure below 2',
    async () => {
      const analyze = (...args: string[]) =>
        promisify(execFile)('/usr/bin/systemd-analyze', [...args, join(ROOT, unit)])
      const { stderr } = await analyze('verify', '--man=no')
      // On a machine without Node in its usual place, systemd reports only that.
      expect(stderr.split('\n').filter(line => line.includes(unit) && !line.includes('/usr/bin/node'))).toEqual([])
      await analyze('security', '--offline=true', '--threshold=20')
    },
  )
})
