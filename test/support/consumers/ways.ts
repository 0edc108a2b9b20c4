/**
 * The ways in which a consumer gets the packages: a tarball, an npm workspace, a pnpm workspace with its default
 * linker. Each is laid out and installed as a person would do it.
 */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './commands.ts'
import { type Versions, writeApi, writeFiles, writeOps, writeOther, writeWeb } from './projects.ts'

/** The way in which a consumer is installed. */
export type Way = 'tarball' | 'npm workspace' | 'pnpm workspace'

/** The built packages, and the inputs of the consumers. */
export interface Built {
  readonly dist: string
  readonly tarballs: { readonly client: string; readonly server: string }
  readonly template: string
  readonly guide: string
  /** The text of docs/testing.md. */
  readonly testing: string
  readonly versions: Versions
  /** The folders that contain `node`, by major version. */
  readonly nodes: Readonly<Record<20 | 22 | 24, string>>
}

/** The folders of the consumers. */
export interface Installed {
  readonly way: Way
  readonly web: string
  readonly api: string
  readonly other: string
  readonly ops: string
}

const PNPM = 'pnpm@10.34.9'
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']

/** Lays out consumers in a folder and installs them. */
export async function install(way: Way, folder: string, built: Built): Promise<Installed> {
  const isWorkspace = way !== 'tarball'
  const [web, api, other, ops] = ['web', 'api', 'other', 'ops'].map(name => join(folder, 'apps', name))
  if (web === undefined || api === undefined || other === undefined || ops === undefined) throw new Error('no folders')
  const member = way === 'pnpm workspace' ? 'workspace:*' : '*'
  const client = isWorkspace ? member : `file:${built.tarballs.client}`
  const server = isWorkspace ? member : `file:${built.tarballs.server}`
  // A workspace has one tRPC, because a frontend's adapter accepts only its own version. A standalone consumer has the
  // newest.
  const { versions } = built
  const trpc = isWorkspace ? versions.tanstack : versions.trpc
  await writeWeb(web, { ...built, client })
  await writeApi(api, { client, versions: { ...versions, trpc } })
  await writeOther(other)
  await writeOps(ops, server)
  const node = built.nodes[24]
  if (!isWorkspace) for (const cwd of [web, api, ops]) await run({ cwd, node }, 'npm', ['install', ...QUIET])
  else {
    for (const name of ['mooring-client', 'mooring'])
      await cp(join(built.dist, name), join(folder, 'packages', name), { recursive: true })
    const members = ['apps/*', 'packages/*']
    await writeFiles(folder, {
      'package.json': JSON.stringify({ name: 'platform', private: true, workspaces: members }),
      ...(way === 'pnpm workspace' ? { 'pnpm-workspace.yaml': `packages: ${JSON.stringify(members)}\n` } : {}),
    })
    const [command, ...args] =
      way === 'pnpm workspace' ? ['npx', '--yes', PNPM, 'install'] : ['npm', 'install', ...QUIET]
    await run({ cwd: folder, node }, command ?? '', args)
  }
  return { way, web, api, other, ops }
}
