/**
 * Variables of the environment, read one at a time: what each must be, and the error that says so. It is given the
 * environment and never reaches for it; a value is never repeated. `config.ts` calls it.
 */

/** A variable that is not acceptable: which, and what it must be. */
export class ConfigError extends Error {
  constructor(variable: string, must: string) {
    super(`${variable} must be ${must}.`)
    this.name = 'ConfigError'
  }
}

/** A variable's text; null where it is not set or empty. */
export function text(env: NodeJS.ProcessEnv, variable: string): string | null {
  const value = env[variable]
  return value === undefined || value === '' ? null : value
}

/** A variable's whole number within bounds, or the fallback. Throws `ConfigError`. */
export function integer(
  env: NodeJS.ProcessEnv,
  ask: { variable: string; fallback: number; min: number; max: number },
): number {
  const value = text(env, ask.variable)
  if (value === null) return ask.fallback
  const number = Number(value)
  if (!/^\d+$/.test(value) || number < ask.min || number > ask.max) {
    throw new ConfigError(ask.variable, `a whole number from ${ask.min} to ${ask.max}`)
  }
  return number
}

/** One of the options, the first where nothing is said. Throws `ConfigError`. */
export function choice<T extends string>(env: NodeJS.ProcessEnv, variable: string, options: readonly [T, ...T[]]): T {
  const value = text(env, variable) ?? options[0]
  const chosen = options.find(option => option === value)
  if (chosen === undefined) throw new ConfigError(variable, `one of ${options.join(', ')}`)
  return chosen
}
