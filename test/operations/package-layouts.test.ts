/** Package layouts on disk: the dialling processes start wherever a package manager has put their imports. */
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHILD_PACKAGES, packageFolders } from '#server/net/process/sandbox.ts'
import { reachedFrom } from '#test/support/house/architecture/graph.ts'
import { readSources } from '#test/support/house/architecture/source.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Installation, prepareInstallation } from '#test/support/mooring/installation.ts'
import { type Running, startEntryAt } from '#test/support/operations/processes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PACKAGES = await realpath(join(ROOT, 'node_modules'))

let installation: Installation
let customer: Customer
let folder: string
beforeAll(async () => {
  installation = await prepareInstallation()
  customer = await makeCustomer()
  folder = await mkdtemp(join(tmpdir(), 'mooring layouts '))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await customer.drop()
  await installation.remove()
})

/** The code of a checkout, without packages, in a folder whose path has a space. */
async function checkout(name: string): Promise<string> {
  const root = join(folder, name, 'mooring')
  for (const part of ['server', 'shared', 'client', 'migrations', 'package.json'])
    await cp(join(ROOT, part), join(root, part), { recursive: true })
  return root
}

/** Every installed package, with its scope. */
async function installed(): Promise<string[]> {
  const names = (await readdir(PACKAGES)).filter(name => !name.startsWith('.'))
  const scoped = names.filter(name => name.startsWith('@'))
  const inside = await Promise.all(
    scoped.map(async scope => (await readdir(join(PACKAGES, scope))).map(name => `${scope}/${name}`)),
  )
  return [...names.filter(name => !name.startsWith('@')), ...inside.flat()]
}

/** Links every package but the named ones into a folder. */
async function linkPackages(into: string, except: readonly string[] = []): Promise<void> {
  for (const name of await installed()) {
    if (except.includes(name)) continue
    await mkdir(dirname(join(into, name)), { recursive: true })
    await symlink(await realpath(join(PACKAGES, name)), join(into, name))
  }
}

async function copyPackage(name: string, into: string): Promise<void> {
  await cp(join(PACKAGES, name), join(into, name), { recursive: true })
}

/** Registers the customer's database at a registry that runs from `root`, and returns the verdict. */
async function verifiedFrom(root: string): Promise<unknown> {
  const main = startEntryAt(root, 'main', installation.env('both'))
  try {
    const [, port] = await main.line(/"port":(\d+),"msg":"web and worker/)
    const answer = await fetch(`http://127.0.0.1:${port}/v1/datasources`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${installation.testKey}`,
        'content-type': 'application/json',
        prefer: 'wait=20',
      },
      body: JSON.stringify({ connectionString: customer.url(), schema: customer.schema }),
    })
    return Reflect.get(Object(await answer.json()), 'status')
  } finally {
    await main.stop('SIGKILL')
  }
}

describe('The packages of a dialling process', () => {
  it('are exactly those that its code imports', async () => {
    const reached = reachedFrom('server/net/process/dial-child.ts', await readSources(`${ROOT}/`, ['shared', 'server']))
    const packages = [...reached].filter(name => !name.startsWith('node:') && !name.endsWith('.ts'))
    expect(packages.toSorted()).toEqual(CHILD_PACKAGES.toSorted())
  })

  it('are readable with their dependencies, and nothing beside them is', () => {
    const folders = [...packageFolders(CHILD_PACKAGES, join(ROOT, 'server/net/process/sandbox.ts'))]
    expect(folders).toContain(join(PACKAGES, 'pg-protocol'))
    expect(folders).toContain(join(PACKAGES, 'postgres-bytea'))
    expect(folders).not.toContain(PACKAGES)
    expect(folders.filter(path => path.endsWith('libsodium-wrappers'))).toEqual([])
  })
})

describe('A database is verified where the packages', () => {
  it('are links into a store elsewhere, as pnpm makes them', async () => {
    const root = await checkout('store')
    await linkPackages(join(root, 'node_modules'))
    expect(await verifiedFrom(root)).toBe('active')
  })

  it('are beside the workspace, with one nested for another version', async () => {
    const root = await checkout('nested')
    const nested = ['zod', 'pg-types']
    await copyPackage('zod', join(root, 'node_modules'))
    for (const name of ['pg', 'pg-protocol', 'pg-pool', 'pg-connection-string', 'pgpass', 'split2'])
      await copyPackage(name, join(dirname(root), 'node_modules'))
    for (const name of [
      'pg-types',
      'pg-int8',
      'postgres-array',
      'postgres-bytea',
      'postgres-date',
      'postgres-interval',
    ])
      await copyPackage(name, join(dirname(root), 'node_modules/pg/node_modules'))
    await copyPackage('xtend', join(dirname(root), 'node_modules'))
    const copied = [...nested, 'pg', 'pg-protocol', 'pg-pool', 'pg-connection-string', 'pgpass', 'split2', 'xtend']
    await linkPackages(join(dirname(root), 'node_modules'), copied)
    expect(await verifiedFrom(root)).toBe('active')
  })
})

describe('A worker whose dialling processes cannot start', () => {
  it('does not start, reports why in one sentence, and claims nothing', async () => {
    const root = await checkout('broken')
    await linkPackages(join(root, 'node_modules'))
    await rm(join(root, 'server/net/process/serve-dials.ts'))
    const worker: Running = startEntryAt(root, 'worker', installation.env('worker'))
    expect(await worker.ended).toBe(1)
    expect(worker.err()).toMatch(
      /^The worker cannot start its dialling processes \(.*serve-dials\.ts.*\)\. Check .*\n$/,
    )
    expect(worker.out.join('\n')).not.toContain('worker is running')
  })
})
