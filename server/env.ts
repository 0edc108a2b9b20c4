/**
 * Reads environment variables one at a time: what each must be, and the error that says so. The environment is an
 * argument; a value is never repeated. `config.ts` calls it.
 */

import { SETTINGS } from '#server/settings/known-settings.ts'
import { type Bounds, wrongForm, wrongList, wrongNumber, wrongUrl, wrongWord } from '#server/settings/wrong-value.ts'
import { withoutEnd } from '#shared/base/text.ts'

/**
 * An invalid variable: its name, what it must be and, if known, what is wrong with its value. `wrong` ends the
 * sentence; an example then follows.
 */
export class ConfigError extends Error {
  constructor(variable: string, must: string, wrong: string | null = null) {
    super(
      wrong === null
        ? `${variable} must be ${must}.`
        : `${variable} must be ${must}${exampleOf(variable, must)}; ${wrong}.`,
    )
    this.name = 'ConfigError'
  }
}

function exampleOf(variable: string, must: string): string {
  const example = SETTINGS[variable]
  return example === undefined || must.includes(' such as ') ? '' : `, such as ${example}`
}

/** A variable's unmodified text; null if it is not set or empty. */
export function raw(env: NodeJS.ProcessEnv, variable: string): string | null {
  const value = env[variable]
  return value === undefined || value === '' ? null : value
}

/**
 * A variable's text; null if it is not set or empty. Throws `ConfigError` for one surrounded by blanks, quotes or a
 * comment.
 */
export function read(env: NodeJS.ProcessEnv, variable: string, must = 'a text'): string | null {
  const value = raw(env, variable)
  const wrong = value === null ? null : wrongForm(value)
  if (wrong !== null) throw new ConfigError(variable, must, wrong)
  return value
}

/** A variable's integer within bounds, or the fallback. Throws `ConfigError`. */
export function integer(
  env: NodeJS.ProcessEnv,
  ask: Bounds & { readonly variable: string; readonly fallback: number; readonly or?: string },
): number {
  const value = raw(env, ask.variable)
  if (value === null) return ask.fallback
  const wrong = wrongNumber(value, ask)
  if (wrong === null) return Number(value)
  const other = ask.or === undefined ? '' : `, or ${ask.or}`
  throw new ConfigError(ask.variable, `a whole number from ${ask.min} to ${ask.max}${other}`, wrong)
}

/** One of the options, by default the first. Throws `ConfigError`. */
export function choice<T extends string>(env: NodeJS.ProcessEnv, variable: string, options: readonly [T, ...T[]]): T {
  const value = raw(env, variable) ?? options[0]
  const chosen = options.find(option => option === value)
  if (chosen === undefined) throw new ConfigError(variable, `one of ${options.join(', ')}`, wrongWord(value, options))
  return chosen
}

/** The non-empty items of a list; an empty list if not set. Throws `ConfigError`. */
export function items(
  env: NodeJS.ProcessEnv,
  variable: string,
  { isItem, must }: { readonly must: string; isItem(item: string): boolean },
): string[] {
  const value = raw(env, variable) ?? ''
  const wrong = wrongList(value, item => item === '' || isItem(item))
  if (wrong !== null) throw new ConfigError(variable, must, wrong)
  return value.split(',').flatMap(item => item.trim() || [])
}

/** A URL without a trailing slash; null if not set. Throws `ConfigError`. */
export function httpUrl(env: NodeJS.ProcessEnv, variable: string): string | null {
  const value = raw(env, variable)
  const wrong = value === null ? null : wrongUrl(value, ['https', 'http'])
  if (wrong !== null) throw new ConfigError(variable, 'an http or https URL', wrong)
  return value === null ? null : withoutEnd(value, '/')
}
