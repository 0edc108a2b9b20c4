/**
 * Preloaded into a process (`--import`): on SIGUSR2 it logs one line with the longest turn of its loop, its CPU time,
 * the most CPU time between two timer ticks, and its resident memory, since the last such line.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
let cpu = process.cpuUsage()

let [loopCpu, longestCpuMs] = [process.threadCpuUsage(), 0]
const look = () => {
  const { user, system } = process.threadCpuUsage(loopCpu)
  longestCpuMs = Math.max(longestCpuMs, (user + system) / 1_000)
  loopCpu = process.threadCpuUsage()
}
setInterval(look, 5).unref()

process.on('SIGUSR2', () => {
  const used = process.cpuUsage(cpu)
  cpu = process.cpuUsage()
  look()
  const reported = {
    msg: 'loop',
    at: Date.now(),
    longestMs: delay.max / 1e6,
    cpuMs: (used.user + used.system) / 1_000,
    longestCpuMs,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
  }
  delay.reset()
  longestCpuMs = 0
  process.stdout.write(`${JSON.stringify(reported)}\n`)
})
