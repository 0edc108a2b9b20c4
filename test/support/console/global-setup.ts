/**
 * Builds the console if its sources have changed, once for all browser tests: a web tier of this checkout serves it
 * from `dist/`. Starts the one browser that they share. `vitest.config.ts` names this file.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { chromiumPath, serveChromium } from '#test/support/http/chromium.ts'
import { buildConsole, isBuilt } from '#test/support/packages/console-package.ts'

declare module 'vitest' {
  /** The values that the set-up passes to the test files. */
  export interface ProvidedContext {
    /** The address of the browser that all files share; null without an installed Chromium. */
    browserUrl: string | null
  }
}

/** Called by vitest before the first test file; returns the function that it calls after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const folder = join(root, 'dist/mooring/console')
  if (!(await isBuilt(root, folder))) await buildConsole(root, folder)
  const path = chromiumPath()
  const browser = path === null ? null : await serveChromium(path)
  project.provide('browserUrl', browser?.url ?? null)
  return async () => browser?.close()
}
