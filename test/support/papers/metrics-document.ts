/**
 * The documents of the tables of metrics and alerts: the lists of `docs/operations.md`, between their marks, and the
 * rules for Prometheus. `npm run dump` writes both, and a test compares them.
 */
import { ALERTS, runbookOf } from '#server/metrics/alerts.ts'
import type { LabelValues, Metric } from '#server/metrics/metric.ts'
import { PROCESS_METRICS } from '#server/metrics/process-metrics.ts'
import { METRICS } from '#server/metrics/table.ts'

const BEGIN = '<!-- metrics: written by npm run dump -->'
const END = '<!-- /metrics -->'

/** The text with updated lists of metrics and alerts. */
export function withMetrics(text: string): string {
  const [before, rest] = text.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error('docs/operations.md has no place for the metrics')
  return `${before}${BEGIN}\n${metricsTable()}\n\n${alertsTable()}\n${END}${after}`
}

/** The rules of Prometheus (`rule_files`). */
export function alertRules(): string {
  const rules = Object.entries(ALERTS).map(([name, { expr, lasts, severity, means, todo }]) =>
    [
      `      - alert: ${name}`,
      `        expr: ${yaml(expr)}`,
      `        for: ${lasts}`,
      '        labels:',
      `          severity: ${severity}`,
      '        annotations:',
      `          summary: ${yaml(means)}`,
      `          description: ${yaml(todo)}`,
      `          runbook_url: ${yaml(runbookOf(name))}`,
    ].join('\n'),
  )
  const head = '# Written by npm run dump from server/metrics/alerts.ts.\ngroups:\n  - name: mooring\n    rules:'
  return `${head}\n${rules.join('\n')}\n`
}

/** A one-line text, in the quotes that need no escaping if possible. */
function yaml(text: string): string {
  return text.includes('"') ? `'${text.replaceAll("'", "''")}'` : `"${text}"`
}

function metricsTable(): string {
  const rows = Object.entries<Metric>(METRICS).map(
    ([name, { kind, labels, tiers, help, alert }]) =>
      `| \`${name}\` | ${kind} | ${labelsOf(labels)} | ${tiers.join(', ')} | ${help} | ${alertOf(alert)} |`,
  )
  const own = Object.entries(PROCESS_METRICS).map(
    ([name, alert]) => `| \`${name}\` | | | web, worker | | ${alertOf(alert)} |`,
  )
  return ['| metric | kind | labels | tier | what it says | alert, or the question that it answers |']
    .concat('|---|---|---|---|---|---|', rows, own)
    .join('\n')
}

/** A long list is shown by the number of its values. */
function labelsOf(labels: Readonly<Record<string, LabelValues>>): string {
  return Object.entries(labels)
    .map(([label, values]) => (typeof values === 'string' ? `\`${label}\`` : `\`${label}\` (${values.length})`))
    .join(', ')
}

function alertOf(alert: string): string {
  return Object.hasOwn(ALERTS, alert) ? `\`${alert}\`` : alert
}

function alertsTable(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = Object.entries(ALERTS).map(
    ([name, { expr, lasts, severity, means }]) =>
      `| [\`${name}\`](#${name.toLowerCase()}) | ${severity} | \`${cell(expr)}\` for ${lasts} | ${means} |`,
  )
  return ['| alert, what to do | | condition | what it means |', '|---|---|---|---|', ...rows].join('\n')
}
