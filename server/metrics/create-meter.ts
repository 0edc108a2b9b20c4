/**
 * Makes the meter of a process: the table, in the library that keeps and writes numbers. A label's value that its list does not
 * have is counted as `other`: this is what keeps organizations, hosts and ids out, whatever is handed in.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { OTHER_LABEL } from './labels.ts'
import type { Meter } from './meter.ts'
import type { LabelValues, MeteredTier } from './metric.ts'
import { METRICS, type MetricName, metricSpec } from './table.ts'

/** A meter that can be read. */
export interface ReadableMeter extends Meter {
  /** Makes the metrics of a tier and those of both, where they are not there yet. Until then what they count is dropped. */
  begin(tier: MeteredTier): void
  /** Begins with what the library says of the process itself: once in a process, since it goes on until its end. */
  watchProcess(): void
  /** Everything, in the text format of Prometheus, version 0.0.4. */
  text(): Promise<string>
}

/** Series that are made at once, with zeros, of a counter whose labels allow no more of them: a first event is then a change. */
const MAX_ZEROS = 250
/** Of a route, as the table of routes or the router spells it; of a version. */
const FORMS: Readonly<Record<Extract<LabelValues, string>, RegExp>> = {
  route: /^[A-Za-z0-9_ ./:*-]{1,100}$/,
  version: /^\d{1,9}\.\d{1,9}\.\d{1,9}(?:[.+-][0-9A-Za-z.+-]{0,40})?$/,
}

interface Value {
  readonly labels: Record<string, string>
  readonly value: number
}

type Read = () => Promise<readonly Value[]>

/** Makes one. */
export function createMeter(): ReadableMeter {
  const registry = new Registry()
  const made = new Map<MetricName, Counter | Gauge | Histogram>()
  const sources = new Map<MetricName, Read[]>()
  const spelled = spelling()
  const begin = (tier: MeteredTier) => {
    for (const name of Object.keys(METRICS) as MetricName[]) // its keys are the names
      if (!made.has(name) && metricSpec(name).tiers.includes(tier))
        made.set(
          name,
          make(registry, name, async () => readingsOf(sources.get(name) ?? [])),
        )
  }
  const add = (name: MetricName, labels: object, by: number) => {
    const counter = made.get(name)
    if (counter instanceof Counter) counter.inc(spelled(name, labels), by)
  }
  return {
    begin,
    add,
    count: (name, labels) => add(name, labels, 1),
    observe(name, labels, value) {
      const histogram = made.get(name)
      if (histogram instanceof Histogram) histogram.observe(spelled(name, labels), value)
    },
    gauge(name, read) {
      const reads = sources.get(name) ?? []
      sources.set(name, reads)
      reads.push(async () => (await read()).map(({ labels, value }) => ({ labels: spelled(name, labels), value })))
    },
    watchProcess: () => collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 }),
    text: () => registry.metrics(),
  }
}

/** Makes a metric. A gauge is read anew at each scrape, and has no series where there is nothing to read. */
function make(registry: Registry, name: MetricName, read: Read): Counter | Gauge | Histogram {
  const { kind, help, labels, buckets = [] } = metricSpec(name)
  const settings = { name, help, labelNames: Object.keys(labels), registers: [registry] }
  if (kind === 'histogram') return new Histogram({ ...settings, buckets: [...buckets] })
  if (kind === 'counter') {
    const counter = new Counter(settings)
    for (const zero of zeros(Object.entries(labels))) counter.inc(zero, 0)
    return counter
  }
  return new Gauge({
    ...settings,
    async collect() {
      const readings = await read()
      this.reset()
      // The library gives a gauge without labels a zero; one that cannot be read has no number at all.
      if (Object.keys(labels).length === 0) this.remove()
      for (const reading of readings) this.set(reading.labels, reading.value)
    },
  })
}

async function readingsOf(reads: readonly Read[]): Promise<readonly Value[]> {
  const all = await Promise.all(reads.map(read => read().catch(() => [])))
  return all.flat()
}

/** Every combination of the labels, where there are few of them. */
function zeros(labels: readonly (readonly [string, LabelValues])[]): Record<string, string>[] {
  let all: Record<string, string>[] = [{}]
  for (const [label, values] of labels) {
    if (typeof values === 'string' || all.length * values.length > MAX_ZEROS) return []
    all = all.flatMap(one => values.map(value => ({ ...one, [label]: value })))
  }
  return all
}

/** Spells labels, each combination once: what has a value that is none of its list's is spelled anew each time. */
function spelling(): (name: MetricName, labels: object) => Record<string, string> {
  const allows = allowing()
  const known = new Map<string, Record<string, string>>()
  return (name, labels) => {
    let key: string = name
    for (const value of Object.values(labels)) key += `\n${value}`
    const spelled = known.get(key)
    if (spelled !== undefined) return spelled
    const made = Object.fromEntries(
      Object.entries(labels).map(([label, value]) => [label, allows(name, label, String(value))]),
    )
    if (Object.entries(labels).every(([label, value]) => made[label] === value)) known.set(key, made)
    return made
  }
}

/** Answers a value that a label may have: the given one, or `other`. */
function allowing(): (name: MetricName, label: string, value: string) => string {
  const lists = new Map<LabelValues, ReadonlySet<string>>()
  return (name, label, value) => {
    const values = metricSpec(name).labels[label]
    if (values === undefined) return OTHER_LABEL
    if (typeof values === 'string') return FORMS[values].test(value) ? value : OTHER_LABEL
    const known = lists.get(values) ?? new Set(values)
    lists.set(values, known)
    return known.has(value) ? value : OTHER_LABEL
  }
}
