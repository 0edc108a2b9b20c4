/**
 * The report of `status`, as data and as lines: the state of each part of an installation, and what to do about
 * problems. Pure. A part that could not be read says so; none contains a secret.
 */

/** A part of an installation. */
export interface StatusPart {
  readonly name: 'database' | 'web' | 'worker' | 'queue' | 'keyring'
  /** The state in one line. */
  readonly message: string
  /** The problems, each with its remedy; empty if there is none. */
  readonly troubles: readonly string[]
  /** The same facts for programs. */
  readonly facts: Readonly<Record<string, unknown>>
}

/** The report for programs. */
export function reportOf(version: string, parts: readonly StatusPart[]): object {
  return {
    ok: isWell(parts),
    version,
    ...Object.fromEntries(
      parts.map(({ name, troubles, facts }) => [name, { ok: troubles.length === 0, ...facts, troubles }]),
    ),
  }
}

/** True if no part has problems. */
export function isWell(parts: readonly StatusPart[]): boolean {
  return parts.every(({ troubles }) => troubles.length === 0)
}

const NAME_WIDTH = 10

/** The lines for people: the parts, then the remedies. */
export function reportLines(parts: readonly StatusPart[]): string[] {
  const lines = parts.map(({ name, message, troubles }) => {
    return `${name.padEnd(NAME_WIDTH)}${troubles.length === 0 ? 'ok   ' : 'LOOK '} ${message}`
  })
  const todo = parts.flatMap(({ name, troubles }) => troubles.map(trouble => `${name}: ${trouble}`))
  return todo.length === 0 ? lines : [...lines, '', ...todo]
}

/** Formats a duration: `12 s`, `4 min`, `3 h`, `5 d`. */
export function roundedDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}
