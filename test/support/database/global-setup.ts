/**
 * Starts two PostgreSQL 18 for all test files of a run, one for registries and one for customers, and stops them at the
 * end. `vitest.config.ts` names this file.
 *
 * A registry never dials its own server for a customer. The tests get the addresses by `inject`; they create their own
 * database with `freshDatabase`.
 */
import type { TestProject } from 'vitest/node'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { startServer } from './postgres.ts'

declare module 'vitest' {
  /** The values that the set-up passes to the test files. */
  export interface ProvidedContext {
    /** Connection string of the superuser of the shared server with customers' databases. */
    adminUrl: string
    /** Connection string of the superuser of the server with registries' own databases. */
    registryUrl: string
  }
}

/** Called by vitest before the first test file; returns the function that it calls after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // With TLS, since a customer's string without sslmode requires it.
  const tls = await selfSigned({ names: ['localhost'], addresses: ['127.0.0.1'] })
  const settings = { max_connections: '200' }
  const [customers, registries] = await Promise.all([startServer({ tls, settings }), startServer({ settings })])
  project.provide('adminUrl', customers.adminUrl)
  project.provide('registryUrl', registries.adminUrl)
  return async () => {
    await Promise.all([customers.stop(), registries.stop()])
  }
}
