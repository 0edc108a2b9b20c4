/**
 * Creates the meter of a process: the table of metrics, in the library that stores and formats values. A label value
 * that is not in its list is counted as `other`, which keeps organizations, hosts and ids out, whatever is passed in.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { OTHER_LABEL } from './labels.ts'
import type { Meter } from './meter.ts'
import type { LabelValues, MeteredTier } from './metric.ts'
import { METRICS, type MetricName, metricSpec } from './table.ts'

/** A meter that can be read. */
export interface ReadableMeter extends Meter {
  /**
   * Creates the metrics of a tier and those shared by both, if they do not exist yet. Anything counted before that is
   * dropped.
   */
  begin(tier: MeteredTier): void
  /** Starts the library's metrics of the process itself: call it once per process, since it cannot be stopped. */
  watchProcess(): void
  /** All metrics, in the Prometheus text format, version 0.0.4. */
  text(): Promise<string>
}

/**
 * A counter with at most this many label combinations gets them all at once, with zeros, so that a first event is
 * visible as a change.
 */
const MAX_ZEROS = 250
/** The form of a route, as in the table of routes or the router, and of a version. */
const FORMS: Readonly<Record<Extract<LabelValues, string>, RegExp>> = {
  route: /^[A-Za-z0-9_ ./:*-]{1,100}$/,
  version: /^\d{1,9}\.\d{1,9}\.\d{1,9}(?:[.+-][0-9A-Za-z.+-]{0,40})?$/,
}

interface Value {
  readonly labels: Record<string, string>
  readonly value: number
}

type Read = () => Promise<readonly Value[]>

/** Creates a meter. */
export function createMeter(): ReadableMeter {
  const registry = new Registry()
  const made = new Map<MetricName, Counter | Gauge | Histogram>()
  const sources = new Map<MetricName, Read[]>()
  const labelled = labelling()
  const begin = (tier: MeteredTier) => {
    for (const name of Object.keys(METRICS) as MetricName[]) // its keys are the names
      if (!made.has(name) && metricSpec(name).tiers.includes(tier))
        made.set(
          name,
          make(registry, name, async () => readingsOf(sources.get(name) ?? [])),
        )
  }
  const counter = (name: MetricName, labels: object) => {
    const metric = made.get(name)
    return metric instanceof Counter ? metric.labels(labelled(name, labels)).inc : undefined
  }
  const histogram = (name: MetricName, labels: object) => {
    const metric = made.get(name)
    return metric instanceof Histogram ? metric.labels(labelled(name, labels)).observe : undefined
  }
  return {
    begin,
    counter,
    histogram,
    add: (name, labels, by) => counter(name, labels)?.(by),
    count: (name, labels) => counter(name, labels)?.(1),
    observe: (name, labels, value) => histogram(name, labels)?.(value),
    gauge(name, read) {
      const reads = sources.get(name) ?? []
      sources.set(name, reads)
      reads.push(async () => (await read()).map(({ labels, value }) => ({ labels: labelled(name, labels), value })))
    },
    watchProcess: () => collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 }),
    text: () => registry.metrics(),
  }
}

/** Creates a metric. A gauge is read at each scrape, and has no series if there is nothing to read. */
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
      // The library initialises a gauge without labels to zero; an unreadable one must have no value at all.
      if (Object.keys(labels).length === 0) this.remove()
      for (const reading of readings) this.set(reading.labels, reading.value)
    },
  })
}

async function readingsOf(reads: readonly Read[]): Promise<readonly Value[]> {
  const all = await Promise.all(reads.map(read => read().catch(() => [])))
  return all.flat()
}

/** Every combination of the labels, if there are few of them. */
function zeros(labels: readonly (readonly [string, LabelValues])[]): Record<string, string>[] {
  let all: Record<string, string>[] = [{}]
  for (const [label, values] of labels) {
    if (typeof values === 'string' || all.length * values.length > MAX_ZEROS) return []
    all = all.flatMap(one => values.map(value => ({ ...one, [label]: value })))
  }
  return all
}

/** Returns a function that replaces each value that a label may not have with `other`. */
function labelling(): (name: MetricName, labels: object) => Record<string, string> {
  const lists = new Map<LabelValues, ReadonlySet<string>>()
  const allowed = (name: MetricName, label: string, value: string): string => {
    const values = metricSpec(name).labels[label]
    if (values === undefined) return OTHER_LABEL
    if (typeof values === 'string') return FORMS[values].test(value) ? value : OTHER_LABEL
    const known = lists.get(values) ?? new Set(values)
    lists.set(values, known)
    return known.has(value) ? value : OTHER_LABEL
  }
  return (name, labels) =>
    Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, allowed(name, label, String(value))]))
}
