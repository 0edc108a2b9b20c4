/**
 * The result of a registration, for the page that
 * follows. Neither field is secret.
 */
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import type { Advisory } from '#shared/checks/check.ts'

/** The registered datasource, with the advisories that only the answer contains. */
export interface Registered {
  readonly id: DatasourceId
  readonly advisories: readonly Advisory[]
}
