/**
 * Decides whether a process grows: compares its last quarter with its second, because the first is for warming up. The
 * soak reads the samples from `/metrics`.
 */

/** The measurements of a process at one moment. */
export interface Sample {
  readonly memoryMb: number
  readonly descriptors: number
  readonly connections: number
  readonly loopMs: number
}

/** The increase that still counts as none: garbage is collected at any time, and sockets close a moment later. */
const SLACK: Readonly<Record<keyof Sample, { times: number; more: number }>> = {
  memoryMb: { times: 1.15, more: 24 },
  descriptors: { times: 1, more: 6 },
  connections: { times: 1, more: 2 },
  loopMs: { times: 2, more: 100 },
}

/**
 * Returns a sentence for each measurement that grows; empty if none does. A process warms up for some minutes, so a
 * short soak does not compare memory. Throws if there are fewer than eight samples.
 */
export function growth(samples: readonly Sample[], isShort: boolean): string[] {
  const quarter = Math.floor(samples.length / 4)
  if (quarter < 2) throw new Error('a soak takes eight samples at least')
  const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)]
  return (Object.keys(SLACK) as (keyof Sample)[]).flatMap(what => {
    const [from, to] = [early, late].map(part => median(part.map(sample => sample[what])))
    if (isShort && what === 'memoryMb') return []
    const { times, more } = SLACK[what]
    return (to ?? 0) > (from ?? 0) * times + more ? [`${what} grows from ${from} to ${to}`] : []
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}
