/**
 * Adds the parser's advice to the answer of the call that contained the connection string. It concerns only the text,
 * so it is not stored.
 */
import type { Advisory } from '#shared/checks/check.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'

/** The answer with the string's own advice after that of the last check. */
export function withAdvice<T extends Pick<Datasource, 'advisories'>>(
  answer: T,
  { advisories }: { readonly advisories: readonly Advisory[] },
): T {
  if (advisories.length === 0) return answer
  const known = (one: Advisory) =>
    answer.advisories.some(({ item, recommendation }) => item === one.item && recommendation === one.recommendation)
  return { ...answer, advisories: [...answer.advisories, ...advisories.filter(one => !known(one))] }
}
