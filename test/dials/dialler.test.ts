/**
 * The dialling processes: confined, killable, replaced, and gone with the worker.
 */
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { childArguments } from '#server/net/process/sandbox.ts'
import { isRunning, localTarget, type TestDialler, testDialler } from '#test/support/dials/dialling.ts'
import { frame, type HostileServer, OFFER, type Script, startHostile } from '#test/support/dials/hostile-postgres.ts'

const DEADLINE_MS = 1_000
/** A job may have to start a process first. */
const ENOUGH_MS = 20_000
const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const open: { close?(): Promise<void>; stop?(): Promise<void> }[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const one of open.splice(0)) await (one.close?.() ?? one.stop?.())
})

function dialling(options: Parameters<typeof testDialler>[0]): TestDialler {
  const dialler = testDialler(options)
  open.push(dialler)
  return dialler
}

async function server(script: Script): Promise<HostileServer> {
  const started = await startHostile(script)
  open.push(started)
  return started
}

async function probe(dialler: TestDialler, at: HostileServer, deadlineMs = DEADLINE_MS) {
  const target = localTarget(at.port, { tlsMode: 'disable' })
  const found = await dialler.probe({ target, caCertificate: null, schema: null, deadlineMs })
  return found.failure?.code
}

const silent: Script = () => {}
/** Refuses at once, by an authentication method that we do not speak. */
const brief: Script = async peer => {
  await peer.startup()
  peer.send(frame('R', 7))
}

/** Resolves when a client is connected. */
function connected() {
  let report = () => {}
  const arrived = new Promise<void>(resolve => {
    report = resolve
  })
  return { script: (() => report()) satisfies Script, arrived }
}

describe('A dialling process', () => {
  it('has an empty environment', async () => {
    const dialler = dialling({})
    await dialler.ready()
    const [pid] = dialler.pids()
    expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).toBe('')
  })

  it.for<[what: string, code: string]>([
    ['read a file of the system', "fs.readFileSync('/etc/hostname')"],
    ['read what lies beside our code', "fs.readdirSync('.')"],
    ['write a file', "fs.writeFileSync('/tmp/mooring-dialler', '')"],
    ['start a program', "require('node:child_process').execFileSync('true')"],
    ['start a thread', "new (require('node:worker_threads').Worker)('1', { eval: true })"],
    ['load native code', "process.dlopen({ exports: {} }, '/nowhere.node')"],
  ])('may not %s', async ([, code]) => {
    const flags = childArguments(192 << 20).slice(0, -1)
    const script = `const fs = require('node:fs'); try { ${code} } catch (error) { console.log(error.code) }`
    const run = promisify(execFile)(process.execPath, [...flags, '-e', script], { cwd: ROOT, env: {} })
    expect((await run).stdout.trim()).toMatch(/^ERR_(ACCESS_DENIED|DLOPEN_DISABLED)$/)
  })

  it('dials one server at a time', async () => {
    const dialler = dialling({ children: 1 })
    let [now, most] = [0, 0]
    const at = await server(async peer => {
      most = Math.max(most, ++now)
      peer.socket.once('close', () => {
        now -= 1
      })
      await peer.startup()
      peer.send(frame('R', 7))
    })
    const codes = await Promise.all(Array.from({ length: 5 }, () => probe(dialler, at, ENOUGH_MS)))
    expect(codes).toEqual(Array.from({ length: 5 }, () => 'authentication_method'))
    expect(most).toBe(1)
    expect(dialler.events.filter(event => event.event === 'dialler_started')).toHaveLength(1)
  })

  it('serves no other job after a server misbehaved', async () => {
    const dialler = dialling({ children: 1 })
    const bad = await server(async peer => {
      await peer.startup()
      peer.send(OFFER, frame('R', 99))
    })
    const good = await server(brief)
    const [pid] = dialler.pids()
    expect(await probe(dialler, bad, ENOUGH_MS)).toBe('protocol_violation')
    expect(await probe(dialler, good, ENOUGH_MS)).toBe('authentication_method')
    expect(dialler.pids()).not.toContain(pid)
    expect(dialler.events).toContainEqual({ event: 'dialler_ended', pid, reason: 'spent', stderr: '' })
  })
})

describe('The worker', () => {
  it('kills a process that does not end by its deadline, and starts another', async () => {
    const dialler = dialling({ children: 1 })
    await dialler.ready()
    const { script, arrived } = connected()
    const at = await server(script)
    const [pid = 0] = dialler.pids()
    const started = performance.now()
    const dialled = probe(dialler, at, 5_000)
    await arrived
    process.kill(pid, 'SIGSTOP')
    expect(await dialled).toBe('dialler_died')
    expect(performance.now() - started).toBeLessThan(15_000)
    await at.idle()
    expect(await probe(dialler, await server(brief), ENOUGH_MS)).toBe('authentication_method')
    await expect.poll(() => isRunning(pid)).toBe(false)
    expect(dialler.events).toContainEqual({ event: 'dialler_ended', pid, reason: 'deadline', stderr: '' })
  })

  it('kills a process that grows beyond its memory', async () => {
    // Smaller than a process is from the start. It is stopped as soon as it is ready, so that it cannot end by itself.
    const stopped: number[] = []
    const dialler = dialling({
      children: 1,
      memoryMiB: 48,
      onReady: pid => stopped.push(pid) && process.kill(pid, 'SIGSTOP'),
    })
    await dialler.ready()
    const started = performance.now()
    expect(await probe(dialler, await server(silent), ENOUGH_MS)).toBe('dialler_died')
    expect(performance.now() - started).toBeLessThan(5_000)
    await dialler.close()
    expect(dialler.events).toContainEqual({ event: 'dialler_ended', pid: stopped[0], reason: 'memory', stderr: '' })
  })

  it('does not restart a process that ends at once in a loop', async () => {
    const dialler = dialling({ children: 1, memoryMiB: 48 })
    const at = await server(silent)
    const codes = [await probe(dialler, at), await probe(dialler, at)]
    expect(codes.every(code => code === 'dialler_died' || code === 'dialler_busy')).toBe(true)
    expect(dialler.events.filter(event => event.event === 'dialler_started').length).toBeLessThan(10)
  })

  it('survives the death of a process that it uses', async () => {
    const dialler = dialling({ children: 2 })
    const { script, arrived } = connected()
    const dialled = probe(dialler, await server(script), ENOUGH_MS)
    await arrived
    const pids = dialler.pids()
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    expect(await dialled).toBe('dialler_died')
    // A job that is sent to another process before its death is known dies with it.
    await expect.poll(() => dialler.events.filter(event => event.event === 'dialler_ended')).toHaveLength(pids.length)
    const at = await server(brief)
    expect(await Promise.all([probe(dialler, at, ENOUGH_MS), probe(dialler, at, ENOUGH_MS)])).toEqual([
      'authentication_method',
      'authentication_method',
    ])
  })

  it('starts processes when they are needed, up to its limit', async () => {
    const dialler = dialling({ children: 3 })
    await dialler.ready()
    expect(dialler.pids()).toHaveLength(1)
    let arrived = 0
    const at = await server(() => {
      arrived += 1
    })
    const dialled = Array.from({ length: 5 }, () => probe(dialler, at, ENOUGH_MS))
    await expect.poll(() => arrived).toBe(3)
    expect(dialler.pids()).toHaveLength(3)
    await dialler.close()
    expect(await Promise.all(dialled)).toEqual(Array.from({ length: 5 }, () => 'dialler_died'))
  })

  it('starts more processes than the cores have work for when servers do not answer', async () => {
    const few = availableParallelism() + 2
    const children = few + 2
    const dialler = dialling({ children })
    await dialler.ready()
    const [quick, hanging] = [await server(brief), await server(silent)]
    // On a busy machine a server that answers may take as long as one that does not: no time passes here.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const codes = Array.from({ length: 3 * children }, () => probe(dialler, quick, ENOUGH_MS))
    expect(new Set(await Promise.all(codes))).toEqual(new Set(['authentication_method']))
    vi.useRealTimers()
    const started = () => dialler.events.filter(event => event.event === 'dialler_started').length
    expect(started()).toBeLessThanOrEqual(few)
    const dialled = Array.from({ length: children + 1 }, () => probe(dialler, hanging, ENOUGH_MS))
    await expect.poll(() => dialler.counts(), { timeout: ENOUGH_MS }).toMatchObject({ busy: children, waiting: 1 })
    expect(started()).toBe(children)
    await dialler.close()
    expect(new Set(await Promise.all(dialled))).toEqual(new Set(['dialler_died']))
  })

  it('fails a job when no process is free for too long', async () => {
    const dialler = dialling({ children: 1 })
    await dialler.ready()
    const at = await server(silent)
    const first = probe(dialler, at, 3_000)
    expect(await probe(dialler, at, 300)).toBe('dialler_busy')
    await dialler.close()
    expect(await first).toBe('dialler_died')
  })

  it('closes its processes at any stage, and dials no more', async () => {
    const dialler = dialling({ children: 3 })
    const at = await server(silent)
    const dialled = [probe(dialler, at, 9_000), probe(dialler, at, 9_000)]
    await dialler.ready()
    const pids = dialler.pids()
    await dialler.close()
    expect(pids).toHaveLength(2)
    expect(pids.filter(isRunning)).toEqual([])
    expect(await Promise.all(dialled)).toEqual(['dialler_died', 'dialler_died'])
    expect(await probe(dialler, at)).toBe('dialler_busy')
    expect(dialler.events.map(event => event.event)).not.toContain('not_started')
  })

  it('leaves no process behind when it is killed', async () => {
    const script = `
      const { testDialler } = await import('#test/support/dials/dialling.ts')
      const dialler = testDialler({ children: 2 })
      await dialler.ready()
      console.log(dialler.pids().join(' '))`
    const worker = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said = await new Promise<string>(resolve => worker.stdout.once('data', bytes => resolve(String(bytes))))
    const pids = said.trim().split(' ').map(Number)
    expect(pids.filter(isRunning)).toEqual(pids)
    worker.kill('SIGKILL')
    await expect.poll(() => pids.filter(isRunning), { timeout: 5_000 }).toEqual([])
  })
})
