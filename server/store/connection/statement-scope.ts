/**
 * For whom a statement runs and how long it may take, carried along the asynchronous calls that make it: the pool asks it
 * when a connection is taken, and each connection when a statement begins. Set by the callers' tier for a request, and by what
 * must answer sooner than the usual deadline.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

interface StatementScope {
  /** The organization that pays for the connection; null for the installation itself. */
  readonly organizationId: string | null
  /** After so long the connection is thrown away; null for the pool's own deadline. */
  readonly deadlineMs: number | null
  /** Connections that this call holds now: one that has one is never made to wait for a second behind its own neighbours. */
  held: number
}

const scopes = new AsyncLocalStorage<StatementScope>()

/** The scope of the running call; undefined outside one. */
export function statementScope(): StatementScope | undefined {
  return scopes.getStore()
}

/** Runs `work` with its connections counted for an organization. */
export function forOrganization<T>(organizationId: string, work: () => T): T {
  return scopes.run({ organizationId, deadlineMs: scopes.getStore()?.deadlineMs ?? null, held: 0 }, work)
}

/** Runs `work` for the process itself, with a deadline for each statement: it may have been begun by a caller, who does not pay for it. */
export function forInstallation<T>(deadlineMs: number, work: () => T): T {
  return scopes.run({ organizationId: null, deadlineMs, held: 0 }, work)
}

/** Runs `work` with a deadline of its own for each statement. */
export function withDeadline<T>(deadlineMs: number, work: () => T): T {
  const outer = scopes.getStore()
  return scopes.run({ organizationId: outer?.organizationId ?? null, deadlineMs, held: outer?.held ?? 0 }, work)
}
