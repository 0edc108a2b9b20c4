/**
 * Formats times, numbers and sizes for people. Pure: the
 * current time is an argument. Used by every page.
 */

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'long' })
const NUMBER = new Intl.NumberFormat('en')

/** Formats a time relative to now: `3 minutes ago`, `in 2 hours`, `just now`. */
export function relativeTime(at: string | Date, now: number): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000)
  const distance = Math.abs(seconds)
  if (distance < 10) return seconds > 0 ? 'in a moment' : 'just now'
  for (const [unit, length] of UNITS) if (distance >= length) return RELATIVE.format(Math.trunc(seconds / length), unit)
  return RELATIVE.format(seconds, 'second')
}

/** Formats a time in full, in the reader's time zone. */
export function exactTime(at: string | Date): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'full', timeStyle: 'long' }).format(new Date(at))
}

/** Formats a duration: `850 ms`, `1.4 s`, `3 min`, `2 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`
}

/** Formats an integer with thousands separators. */
export function count(value: number): string {
  return NUMBER.format(value)
}

/** Formats a number with its noun: `1 table`, `2 tables`. */
export function quantity(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** Formats a size in bytes: `640 B`, `12 KB`, `3.4 MB`. */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`
  const at = Math.min(Math.floor(Math.log10(value) / 3), 4)
  const size = value / 1_000 ** at
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${['B', 'KB', 'MB', 'GB', 'TB'][at]}`
}
