/**
 * Preloaded into a process: kills it by SIGKILL right before one file operation, so that a start can be ended at each
 * of its steps. `KILL_AT` names the operation and the end of its path, as in `rename first-start.json`; a count after
 * it (`link worker.json 2`) selects a later one.
 */
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const [wanted = '', leaf = '', count = '1'] = (process.env['KILL_AT'] ?? '').split(' ')
let left = Number(count)

for (const name of ['mkdir', 'writeFile', 'rename', 'link', 'rm'] as const) {
  const original: unknown = promises[name]
  if (typeof original !== 'function') throw new Error(`${name} is no function`)
  Reflect.set(promises, name, (...args: unknown[]) => {
    // For a link or a rename the new name counts.
    const path = String(name === 'link' || name === 'rename' ? args[1] : args[0])
    if (name === wanted && path.endsWith(leaf) && --left === 0) process.kill(process.pid, 'SIGKILL')
    return Reflect.apply(original, promises, args)
  })
}
syncBuiltinESMExports()
