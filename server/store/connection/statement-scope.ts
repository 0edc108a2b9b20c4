/**
 * The organization that a statement runs for and its deadline, carried along asynchronous calls: the pool reads them
 * when a connection is taken, and each connection when a statement begins. Set by the API for a request, and by work
 * that must answer sooner than the default deadline.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

interface StatementScope {
  /** The organization charged for the connection; null for the installation itself. */
  readonly organizationId: string | null
  /** The connection is destroyed after this time; null for the pool's own deadline. */
  readonly deadlineMs: number | null
  /**
   * The connections that this call holds: a call that has one never waits for a second behind others of its
   * organization.
   */
  held: number
}

const scopes = new AsyncLocalStorage<StatementScope>()

/** The scope of the running call; undefined outside a call. */
export function statementScope(): StatementScope | undefined {
  return scopes.getStore()
}

/** Runs `work` with its connections counted towards an organization. */
export function forOrganization<T>(organizationId: string, work: () => T): T {
  return scopes.run({ organizationId, deadlineMs: scopes.getStore()?.deadlineMs ?? null, held: 0 }, work)
}

/** Runs `work` for the process itself, with a deadline for each statement; a caller that started it is not charged. */
export function forInstallation<T>(deadlineMs: number, work: () => T): T {
  return scopes.run({ organizationId: null, deadlineMs, held: 0 }, work)
}

/** Runs `work` with its own deadline for each statement. */
export function withDeadline<T>(deadlineMs: number, work: () => T): T {
  const outer = scopes.getStore()
  return scopes.run({ organizationId: outer?.organizationId ?? null, deadlineMs, held: outer?.held ?? 0 }, work)
}
