/**
 * `npm start` runs it beside the server, in the background: it builds the console into `dist/` where the sources have changed,
 * the development packages are there, and the folder can be written. Elsewhere it does nothing, and `/` says how.
 */
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = join(root, 'dist/mooring/console')

/** Codes of errors that say that it cannot be built here, which is nobody's mistake. */
const NOT_HERE = ['ERR_MODULE_NOT_FOUND', 'EACCES', 'EROFS', 'EPERM']

try {
  // The server is waited for, and this is not.
  setPriority(10)
  const { buildConsole, isBuilt } = await import('./console-package.ts')
  if (!(await isBuilt(root, folder))) await buildConsole(root, folder)
} catch (error) {
  const code: unknown = Reflect.get(Object(error), 'code')
  if (!NOT_HERE.includes(String(code))) {
    process.stderr.write(`The console was not built: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
