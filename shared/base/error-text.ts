/**
 * An error's message for the log: never empty, on one line, bounded, and without values. Messages of drivers, of the
 * JavaScript engine and of servers repeat their input, which may be a password.
 *
 * `printable.ts` escapes the result like every other text in a log. Called by `server/log.ts`.
 */

const MAX_LOOKED_AT = 4_000
const MAX_LENGTH = 500

/**
 * The message of any thrown value. An empty message is replaced by the messages of its nested errors, its code, or its
 * type.
 */
export function errorMessage(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `not an error: ${kindOf(thrown)}`
  const lines = textOf(thrown).slice(0, MAX_LOOKED_AT).split('\n')
  // A message may have lines that look like stack frames.
  const reported = lines.filter(line => !/^\s+at /.test(line)).map(line => line.trim())
  const text = withoutSecrets(reported.filter(line => line !== '').join(' '))
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
}

/** The first error, if a later error from clean-up has wrapped it in a `SuppressedError`. */
export function firstError(thrown: unknown): unknown {
  const isBehind = thrown instanceof Error && thrown.name === 'SuppressedError'
  return isBehind ? firstError(Reflect.get(thrown, 'suppressed')) : thrown
}

/** The errors inside an AggregateError; an empty list for any other error. */
export function innerErrors(error: Error): readonly unknown[] {
  const parts: unknown = Reflect.get(error, 'errors')
  return Array.isArray(parts) ? parts : []
}

/** The SQLSTATE or the system's error code; null if the error has no valid one. */
export function errorCode(error: unknown): string | null {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null
  return typeof code === 'string' && /^[A-Za-z0-9_]{1,40}$/.test(code) ? code : null
}

function kindOf(thrown: unknown): string {
  return typeof thrown === 'string' ? `a text of ${thrown.length} characters` : `a value of type ${typeof thrown}`
}

function textOf(error: Error): string {
  const { name } = error
  const message = String(error.message)
  const issues: unknown = Reflect.get(error, 'issues')
  if (name === 'ZodError' && Array.isArray(issues)) return issues.map(issueText).join(', ')
  // Node gives no message for a refused connection to a name with several addresses.
  if (message === '')
    return innerErrors(error).slice(0, 4).map(errorMessage).join(', ') || errorCode(error) || 'no message'
  if (isOfServer(error)) return namesAlone(errorCode(error) ?? '') ? message : withoutQuoted(message)
  return isOfEngine(error) ? withoutValues(message) : message
}

/** The code and path of a validation issue, never its value. */
function issueText(issue: unknown): string {
  const [code, path]: unknown[] = [Reflect.get(Object(issue), 'code'), Reflect.get(Object(issue), 'path')]
  const place = Array.isArray(path) ? path.filter(step => /^\w{1,40}$/.test(String(step))).join('.') : ''
  return `${String(code)} at ${place === '' ? 'the top' : place}`
}

function isOfServer(error: Error): boolean {
  return typeof Reflect.get(error, 'severity') === 'string' && /^[0-9A-Z]{5}$/.test(errorCode(error) ?? '')
}

/**
 * True for SQLSTATEs whose messages quote only names of our own, such as a constraint's; other messages quote values or
 * the statement.
 */
function namesAlone(sqlstate: string): boolean {
  return /^(08|0A|23|25|28|3D|3F|40|42|53|55|57|58)/.test(sqlstate) && !['42601', '42P02'].includes(sqlstate)
}

const OF_ENGINE = ['TypeError', 'SyntaxError', 'RangeError', 'ReferenceError', 'EvalError', 'URIError']

function isOfEngine(error: Error): boolean {
  return OF_ENGINE.includes(error.name) || /^ERR_(?!TLS)/.test(errorCode(error) ?? '')
}

/** Messages of the JavaScript engine that repeat a value without quotes, with their replacements. */
const UNQUOTED: readonly (readonly [RegExp, string])[] = [
  [/^Cannot convert .* to a BigInt$/s, 'Cannot convert … to a BigInt'],
  [/^Cannot use 'in' operator.*$/s, "Cannot use 'in' operator on …"],
  [/ incompatible receiver .*$/s, ' incompatible receiver …'],
  [/^Invalid regular expression.*$/s, 'Invalid regular expression …'],
]

function withoutValues(message: string): string {
  // The property name comes from our code, not from data.
  if (/^Cannot (read|set) properties of (undefined|null) \((reading|setting) '[\w$]+'\)$/.test(message)) return message
  for (const [pattern, text] of UNQUOTED) if (pattern.test(message)) return message.replace(pattern, () => text)
  return withoutQuoted(message)
}

/** Replaces everything from the first quote to the last, because a value may itself contain quotes. */
function withoutQuoted(message: string): string {
  const first = message.search(/["'`]/)
  if (first === -1) return message
  const last = Math.max(...['"', "'", '`'].map(quote => message.lastIndexOf(quote)))
  return `${message.slice(0, first)}"…"${message.slice(last + 1)}`
}

/** A value after the name of a secret and a separator. */
const SET =
  /(passw(?:or)?d|passphrase|pwd|secret|token|authorization|bearer|api[ _-]?key)(["']?\s{0,5}[=:]\s{0,5})(bearer \S+|basic \S+|'[^']*'|"[^"]*"|\S+)/gi
/** A word after the name of a secret, unless it is part of a sentence. */
const FOLLOWS =
  /(passw(?:or)?d|passphrase|pwd|secret|token|authorization|bearer|api[ _-]?key)(\s{1,5})(?!(?:a|all|and|are|at|authentication|can|cannot|encryption|expired|failed|field|file|for|from|has|in|invalid|is|may|missing|must|not|of|on|or|required|role|that|the|to|was|which|with)\b)(\S+)/gi

/** Removes connection strings, keys, and values that follow the name of a secret. */
function withoutSecrets(text: string): string {
  const pem = text.indexOf('-----BEGIN ')
  return (pem === -1 ? text : `${text.slice(0, pem)}…`)
    .replace(/\b(postgres(?:ql)?):\/\/.*/gi, '$1://…')
    .replace(/\S+/g, withoutLogin)
    .replace(/\b(sk|rk)_(test|live)_\w+/g, '$1_$2_…')
    .replace(/\bwhsec_\S+/g, 'whsec_…')
    .replace(SET, '$1$2…')
    .replace(FOLLOWS, '$1$2…')
}

/** Reduces a URL with anything before an `@` to its scheme. */
function withoutLogin(word: string): string {
  const at = word.indexOf('://')
  return at !== -1 && word.includes('@', at) ? `${word.slice(0, at)}://…` : word
}
