/**
 * Keeps the unit project pure: its files start no program and listen on no port. `vitest.config.ts` names this file.
 *
 * A test that needs either belongs to the other projects, and fails here, whatever it imports.
 */
import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

function refuse(): never {
  throw new Error(
    'A unit test starts no process and listens on no port: leave its file out of `unit` in vitest.config.ts.',
  )
}

for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] as const)
  Object.assign(childProcess, { [name]: refuse })
Object.assign(net.Server.prototype, { listen: refuse })
Object.assign(net.Socket.prototype, { connect: refuse })
syncBuiltinESMExports()
