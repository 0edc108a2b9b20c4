/**
 * Reads the text format of Prometheus, version 0.0.4, as a scraper does:
 * for tests of `/metrics`, and for the soak.
 */

/** One series with its value. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The result of a scrape. */
export interface Scraped {
  readonly series: readonly Series[]
  /** Name → kind, from its `TYPE` line. */
  readonly kinds: ReadonlyMap<string, string>
}

const LINE = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (NaN|[+-]?Inf|[-+0-9.e]+)$/i
const LABEL = /([a-z_]\w*)="((?:[^"\\]|\\.)*)",?/giy

/** Parses it. Throws for an invalid line. */
export function scraped(text: string): Scraped {
  const lines = text.split('\n').filter(line => line !== '')
  const kinds = lines.flatMap(line => {
    const [, name = '', kind = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    return name === '' ? [] : [[name, kind] as const]
  })
  return { series: lines.filter(line => !line.startsWith('#')).map(seriesOf), kinds: new Map(kinds) }
}

function seriesOf(line: string): Series {
  const [, name, labels = '', value = ''] = LINE.exec(line) ?? []
  if (name === undefined) throw new Error(`not a line of the format: ${line}`)
  const pairs = [...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text.replace(/\\(.)/g, '$1')])
  return { name, labels: Object.fromEntries(pairs), value: Number(value.replace('Inf', 'Infinity')) }
}

/** The sum of the series of a name with these labels. */
export function total({ series }: Scraped, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const fits = series.filter(
    one => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
  )
  return fits.reduce((sum, { value }) => sum + value, 0)
}
