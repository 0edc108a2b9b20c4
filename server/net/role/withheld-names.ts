/**
 * Filters names from a server for display: they come from a
 * stranger who was sent the password.
 */
import { repeating } from '#server/domain/checks/withheld.ts'
import { quoteName } from '#shared/base/sql-text.ts'

const WITHHELD = '…'

/** Displays names. */
export interface DisplayedNames {
  /** The name, or `…` if it is withheld. */
  one(name: string): string
  /** The names without those that are withheld. */
  only(names: readonly string[]): string[]
  /** Each pair as `"schema"."name"`, ready for SQL, without those that are withheld. */
  qualified(names: readonly (readonly [string, string])[]): string[]
}

/** Withholds names with invisible or control characters, and names that repeat the secret. */
export function withholding(secret: string): DisplayedNames {
  const repeats = repeating(secret)
  const isDisplayable = (name: string) => !(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(name) || repeats(name))
  return {
    one: name => (isDisplayable(name) ? name : WITHHELD),
    only: names => names.filter(isDisplayable),
    qualified: names => names.filter(pair => pair.every(isDisplayable)).map(pair => pair.map(quoteName).join('.')),
  }
}
