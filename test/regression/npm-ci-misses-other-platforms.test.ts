/**
 * `npm ci` once refused the lockfile: a machine without the packages of other platforms had written it without them,
 * and npm then considers the lockfile out of sync with package.json.
 */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

interface Locked {
  readonly version?: string
  readonly link?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

it('The lockfile has every package of every platform, at one version', async () => {
  const lock = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8'))
  const packages: Record<string, Locked> = lock.packages
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(name => {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`]
      return places.every(place => packages[place]?.version === undefined)
    }),
  )
  expect(missing).toEqual([])
  const unversioned = Object.entries(packages).filter(([path, { version, link }]) => {
    return path.includes('node_modules/') && version === undefined && link !== true
  })
  expect(unversioned).toEqual([])
})
