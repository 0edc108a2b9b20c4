/** The routes of the dialects: found by a map, as Express would find them. */
import express from 'express'
import { describe, expect, it } from 'vitest'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { Routes } from '#server/rest/front.ts'

const PATHS = [
  ...new Set(
    [connectionsDialect, datasourcesDialect('http://localhost')].flatMap(one => one.routes.map(({ path }) => path)),
  ),
]
const routes = new Routes<string>()
for (const path of PATHS) routes.add(path, path)

/** What Express finds: the path of the route, and its parameters. */
function byExpress(path: string): unknown {
  const router = express.Router()
  let found: unknown = null
  for (const one of PATHS)
    router.get(one, request => {
      found = { entry: one, params: { ...request.params } }
    })
  router({ method: 'GET', url: path } as express.Request, {} as express.Response, () => undefined) // it reads no more of them
  return found
}

describe('A route', () => {
  const ID = 'ds_test_0123456789abcdef0123456789abcdef'
  const shown = PATHS.map(path => path.replaceAll(/:\w+/g, ID))
  const odd = [
    ...[
      '/V1/Datasources',
      '/v1/datasources/',
      '/v1/datasources//',
      '//v1/datasources',
      '/v1//datasources',
      '/',
      '',
      '/v1',
    ],
    ...[
      `/v1/datasources/${ID}/`,
      '/v1/datasources/a%2Fb',
      '/v1/datasources/%C3%A9',
      '/v1/DATASOURCES/Ab/VERIFY',
      '/v1/datasources/:id',
    ],
    ...['/api/v1/connections/x/y/z', '/v1/datasources/__proto__', '/v1/constructor', '/v1/datasources/validate'],
  ]
  it.each([...shown, ...odd])('is that of Express: %s', path => {
    expect(routes.find(path)).toEqual(byExpress(path))
  })
})
