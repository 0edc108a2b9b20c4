/**
 * Starts one PostgreSQL 18 for all test files of a run and stops it at the end. `vitest.config.ts` names this file.
 *
 * Its address reaches the tests by `inject`; they take a database of their own with `freshDatabase`.
 */
import type { TestProject } from 'vitest/node'
import { selfSigned } from './certificates.ts'
import { startServer } from './postgres.ts'

declare module 'vitest' {
  /** What the set-up hands to the test files. */
  export interface ProvidedContext {
    /** Connection string of the superuser of the server that all test files share. */
    adminUrl: string
  }
}

/** Called by vitest before the first test file; answers what it calls after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // With TLS, since customers' databases are on it too (`customer.ts`) and a string without sslmode asks for it.
  const tls = await selfSigned({ names: ['localhost'], addresses: ['127.0.0.1'] })
  const server = await startServer({ tls, settings: { max_connections: '200' } })
  project.provide('adminUrl', server.adminUrl)
  return () => server.stop()
}
