/**
 * Masks and placeholders, which dashboards, templates and error messages print in place of a real value. They are refused, since a
 * login with one is a guess at somebody's database; a real password may hold asterisks, dollar signs and braces all the same.
 */

/** The whole is in brackets of some kind: `[YOUR-PASSWORD]`, `<password>`, `${…}`, `{{…}}`. */
const BRACKETED = /^(?:\[[^[\]@/:?#]*\]|<[^<>@/:?#]*>|\$?\{[^{}@/:?#]*\}|\{\{[^{}@/:?#]*\}\}|%[A-Z][A-Z0-9_]{2,40}%)$/
/** A variable of a shell, in capitals: `$PASSWORD`, `$(pass show db)`. */
const VARIABLE = /^\$(?:[A-Z][A-Z0-9_]{3,40}|\([^()@/:?#]*\)|env:[A-Za-z_]{1,40})$/
/** `YOUR_PASSWORD`, `your-db-password`, `enter_password_here`, `REPLACE_ME`, `PASSWORD`. */
const WORDED =
  /^(?:your|my_real|enter|insert|replace|paste|put|real)[-_ .+]?(?:own|the|new|actual|real|super|secure|strong|secret){0,2}[-_ .+]?(?:secret[-_ .+])?(?:db|database|postgres|pg|supabase|neon|project|user)?[-_ .+]?(?:password|passwd|pass|pwd|pw|secret|user|username|name|host|hostname|db|database|me|here|it|this)(?:[-_ .+]?here)?$/i
/** Names of the thing itself, in capitals: in small letters they may be what they say. */
const NAMED =
  /^(?:CHANGE[-_]?ME|PASSWORD|DB[-_]PASSWORD|POSTGRES[-_]PASSWORD|SECRET|TODO|USER|USERNAME|HOST|HOSTNAME|DATABASE|DBNAME|DB[-_]NAME)$/
/** The same in either case, where it says whose it is. */
const YOURS = /^your[-_ .+]/i
/** A mask is one character over and over: bullets of any kind, asterisks, an ellipsis, x. */
const MASK =
  /^(?:[\u2022\u25cf\u2219\u00b7\u22c5\u2981\u26ab\u25e6\u2024]{2,}|\*{3,}|\u2026+|\.{3,}|x{4,}|X{4,}|_{3,}|-{3,}|#{3,}|\?{3,}|\u2588{2,}|\u25a0{2,})$/u
/** The rest of a secret that is masked but for its beginning or end. */
const HALF_MASKED = /[\u2022\u25cf]{3}|\*{6}|\[REDACTED\]|<REDACTED>|\(REDACTED\)/i
/** A bracketed piece of a name, such as `postgres.[PROJECT-REF]` or `db.<ref>.supabase.co`. */
const PIECE =
  /\[[A-Za-z][A-Za-z0-9_ -]{0,60}\]|<[A-Za-z][A-Za-z0-9_ -]{0,60}>|\$\{[^{}]{1,60}\}|\{\{[^{}]{1,60}\}\}|\{[A-Za-z][A-Za-z0-9_-]{0,60}\}/

/** Whether a password, as it is written or as it is read, is a mask or a placeholder. */
export function isPlaceholderPassword(text: string): boolean {
  const isWord = BRACKETED.test(text) || VARIABLE.test(text) || isWorded(text) || (YOURS.test(text) && isNoun(text))
  return isWord || MASK.test(text) || HALF_MASKED.test(text)
}

/** Whether a user, host or database name is a placeholder or holds one. */
export function isPlaceholderName(text: string): boolean {
  if (BRACKETED.test(text) || VARIABLE.test(text) || PIECE.test(text) || MASK.test(text)) return true
  return isWorded(text) || (YOURS.test(text) && isNoun(text))
}

function isWorded(text: string): boolean {
  return WORDED.test(text) || NAMED.test(text)
}

/** `your-password-here` names a thing that a connection string has; `your-mother-2` is a password. */
function isNoun(text: string): boolean {
  return /(?:password|passwd|pass|pwd|secret|user|username|host|hostname|database|db|name|project|ref|endpoint|id)(?:[-_ .+]?here)?$/i.test(
    text,
  )
}
