/**
 * The result of a registration, for the page that follows it.
 * Neither field is secret.
 */
import type { DatasourceId } from '#shared/base/wire.ts'
import type { Advisory } from '#shared/checks/check.ts'

/** What was registered, with the advice that the answer alone holds. */
export interface Registered {
  readonly id: DatasourceId
  readonly advisories: readonly Advisory[]
}
