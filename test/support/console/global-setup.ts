/**
 * Builds the console where its sources have changed, once for all browser tests: a web tier of this checkout serves it from `dist/`.
 * `vitest.config.ts` names this file.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildConsole, isBuilt } from '#test/support/packages/console-package.ts'

/** Called by vitest before the first test file. */
export async function setup(): Promise<void> {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const folder = join(root, 'dist/mooring/console')
  if (!(await isBuilt(root, folder))) await buildConsole(root, folder)
}
