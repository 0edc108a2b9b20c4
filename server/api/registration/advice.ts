/**
 * What a connection string advises, in the answer to the call that brought it: it is about the text alone, so that it is not kept.
 */
import type { Advisory } from '#shared/checks/check.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'

/** The answer with the string's own advice behind that of the last check. */
export function withAdvice<T extends Pick<Datasource, 'advisories'>>(
  answer: T,
  { advisories }: { readonly advisories: readonly Advisory[] },
): T {
  if (advisories.length === 0) return answer
  const known = (one: Advisory) =>
    answer.advisories.some(({ item, recommendation }) => item === one.item && recommendation === one.recommendation)
  return { ...answer, advisories: [...answer.advisories, ...advisories.filter(one => !known(one))] }
}
