/**
 * The programs of the server, and how its built modules find each other and their data files: by the locations of their
 * sources. Called by the builds.
 */
import { posix, relative } from 'node:path'
import type { Plugin } from 'rolldown'

/** Programs and threads of the server. */
export const SERVER_ENTRIES: readonly string[] = [
  'server/mooring.ts',
  'server/main.ts',
  'server/web.ts',
  'server/worker.ts',
  'server/cli.ts',
  'server/quarantine.ts',
  'server/process/watchdog-thread.ts',
  'server/net/process/dial-child.ts',
  'server/api/schemas/reader/read-part.ts',
]

/** Resolves `import.meta.url` to the location of the source, and renames programs that are started by path. */
export function placesOfSources(root: string): Plugin {
  const started = SERVER_ENTRIES.map(path => posix.basename(path).replaceAll('.', '\\.')).join('|')
  const programs = new RegExp(`(?<=['"](?:\\./)?(?:${started}))(?=['"])`, 'g')
  return {
    name: 'places-of-sources',
    transform(code, id) {
      const source = relative(root, id)
      if (!source.startsWith('server/') || !code.includes('import.meta.')) return null
      const place = `new URL(${JSON.stringify(`@root@/${source.replace(/\.ts$/, '.js')}`)}, import.meta.url).href`
      return code.replace(programs, '@js@').replaceAll('.ts@js@', '.js').replaceAll('import.meta.url', place)
    },
    renderChunk(code, chunk) {
      return code.replaceAll('@root@', posix.relative(posix.dirname(chunk.fileName), '.') || '.')
    },
  }
}
