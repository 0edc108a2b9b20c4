/**
 * `npm start` runs this in the background beside the server: it builds the console into `dist/` if the sources have
 * changed, the development packages are installed, and the folder is writable. Otherwise it does nothing, and `/`
 * explains how to build it.
 */
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = join(root, 'dist/mooring/console')

/** Error codes which mean that the console cannot be built here, without anyone being at fault. */
const NOT_HERE = ['ERR_MODULE_NOT_FOUND', 'EACCES', 'EROFS', 'EPERM']

try {
  // Lower priority, because people wait for the server but not for this.
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
