/**
 * Preloaded into a process (`--import`): tells on SIGUSR2, as a line of its log, the longest turn of its loop, its CPU time
 * and its resident memory since the last time.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
let cpu = process.cpuUsage()

process.on('SIGUSR2', () => {
  const used = process.cpuUsage(cpu)
  cpu = process.cpuUsage()
  const told = {
    msg: 'loop',
    at: Date.now(),
    longestMs: delay.max / 1e6,
    cpuMs: (used.user + used.system) / 1_000,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
  }
  delay.reset()
  process.stdout.write(`${JSON.stringify(told)}\n`)
})
