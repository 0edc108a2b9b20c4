/**
 * Our own server goes away and comes back: restarted in order, killed repeatedly, frozen for longer than any deadline.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { type Fault, UNANSWERED_SECONDS } from '#test/faults/fault.ts'

const KILLS = 3
const BETWEEN_MS = 1_500

/** `pg_ctl restart`, with a pause in which nothing answers. */
export const restarted: Fault = {
  name: 'server restarted',
  withinSeconds: 20,
  isUnready: true,
  lastsSeconds: 4,
  async begin({ server }) {
    await server.stop()
    return () => server.start()
  },
}

/** SIGKILL in the middle of the work, and recovery; several times. */
export const killed: Fault = {
  name: 'server killed',
  withinSeconds: 20,
  lastsSeconds: 0,
  async begin({ server }, chance) {
    for (let times = 1; times < KILLS; times += 1) {
      await server.kill()
      await server.start()
      await wait(BETWEEN_MS * chance())
    }
    await server.kill()
    return () => server.start()
  },
}

/** SIGSTOP of all its processes: connections stay open, the system accepts new ones, and nothing answers. */
export const frozen: Fault = {
  name: 'server frozen',
  withinSeconds: 20,
  isUnready: true,
  lastsSeconds: 20,
  feltAfterSeconds: UNANSWERED_SECONDS,
  async begin({ server }) {
    await server.freeze()
    return () => server.thaw()
  },
}
