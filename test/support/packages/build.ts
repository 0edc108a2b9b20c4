/**
 * `npm run build`: builds the two packages `mooring-client` and `mooring` into `dist/`, ready for `npm pack` or a
 * workspace folder. The checkout itself needs no build.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildClient } from './client-package.ts'
import { buildServer } from './server-package.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const dist = join(root, 'dist')
await rm(dist, { recursive: true, force: true })
for (const [name, build] of [
  ['mooring-client', buildClient],
  ['mooring', buildServer],
] as const) {
  const started = performance.now()
  await build(root, join(dist, name))
  process.stdout.write(`dist/${name} in ${Math.round(performance.now() - started)} ms\n`)
}
