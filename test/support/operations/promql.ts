/**
 * The selectors of a PromQL expression, by Prometheus' own grammar, and whether a series matches one: the queries of
 * Grafana, as Prometheus evaluates them.
 */
import { parser } from '@prometheus-io/lezer-promql'
import type { Series } from './prometheus-text.ts'

interface Matcher {
  readonly label: string
  readonly operator: string
  readonly value: string
}

/** A selector: a metric's name, and its label matchers. */
export interface Selector {
  readonly name: string
  readonly matchers: readonly Matcher[]
}

type Node = ReturnType<typeof parser.parse>['topNode']

/** Parses every selector of an expression. Throws if it is not PromQL. Replaces Grafana's time variable. */
export function selectorsOf(expression: string): Selector[] {
  const text = expression.replaceAll('$__rate_interval', '5m')
  const selectors: Selector[] = []
  parser.parse(text).iterate({
    enter({ type, from, to, node }) {
      if (type.isError) throw new Error(`not PromQL at ${from}: ${text}`)
      if (type.name !== 'VectorSelector') return
      const name = node.getChild('Identifier')
      if (name === null) throw new Error(`a selector without a name: ${text.slice(from, to)}`)
      selectors.push({ name: text.slice(name.from, name.to), matchers: matchersOf(node, text) })
    },
  })
  return selectors
}

function matchersOf(node: Node, text: string): Matcher[] {
  const list = node.getChild('LabelMatchers')
  return (list?.getChildren('UnquotedLabelMatcher') ?? []).map(matcher => {
    const part = (name: string) => {
      const found = matcher.getChild(name)
      return found === null ? '' : text.slice(found.from, found.to)
    }
    return { label: part('LabelName'), operator: part('MatchOp'), value: part('StringLiteral').slice(1, -1) }
  })
}

/** Whether a selector matches a series. Expressions are anchored at both ends, as in Prometheus. */
export function finds({ name, matchers }: Selector, series: Series): boolean {
  if (series.name !== name) return false
  return matchers.every(({ label, operator, value }) => {
    const actual = series.labels[label] ?? ''
    const isRegex = operator.endsWith('~')
    const fits = isRegex ? new RegExp(`^(?:${value})$`).test(actual) : actual === value
    return operator.startsWith('!') ? !fits : fits
  })
}
