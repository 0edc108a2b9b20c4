/**
 * Our processes end silently, or freeze for a while;
 * a supervisor restarts those that ended.
 */
import type { Fault } from '#test/faults/fault.ts'
import type { Member } from '#test/faults/scene.ts'

/** SIGKILL of one process of each tier. */
export const processesKilled: Fault = {
  name: 'web and worker killed',
  withinSeconds: 40,
  lastsSeconds: 2,
  async begin(scene, chance) {
    const n = chance() < 0.5 ? 1 : 2
    const killed: Member[] = [`web-${n}`, `worker-${n}`]
    await Promise.all(killed.map(member => scene.process(member).end('SIGKILL')))
    return async () => void (await Promise.all(killed.map(member => scene.start(member))))
  },
}

/** SIGSTOP of one worker: its tasks are held until their claims expire, and everything else continues. */
export const workerFrozen: Fault = {
  name: 'worker frozen',
  withinSeconds: 20,
  sparesMeanwhile: 'everyone',
  lastsSeconds: 6,
  async begin(scene, chance) {
    const worker = scene.process(chance() < 0.5 ? 'worker-1' : 'worker-2').process
    worker.kill('SIGSTOP')
    return async () => void worker.kill('SIGCONT')
  },
}
