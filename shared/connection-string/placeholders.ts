/**
 * Recognises masks and placeholders, which dashboards, templates and error messages print in place of a real value.
 * They are refused, because a login with one is a guess at somebody's database. A real password may still contain
 * asterisks, dollar signs and braces.
 */

/** The whole text is in brackets of some kind: `[YOUR-PASSWORD]`, `<password>`, `${…}`, `{{…}}`, `#{…}`, `%(…)s`. */
const BRACKETED =
  /^(?:\[[^[\]@/:?#]*\]|<[^<>@/:?#]*>|&lt;[^<>@/:?#&]*&gt;|[$#]?\{[^{}@/:?#]*\}|\$?\{\{[^{}@/:?#]*\}\}|\((?:hidden|redacted|masked|password|secret|your[^()@/:?#]*)\)|%[sdv]|%[A-Z][A-Z0-9_]{1,40}%|%\([a-z_]{1,40}\)s)$/
/** A variable of a shell, in capitals: `$PASSWORD`, `$(pass show db)`; or of a program: `process.env.PASSWORD`. */
const VARIABLE =
  /^(?:\$(?:[A-Z][A-Z0-9_]{3,40}|\([^()@/:?#]*\)|env:[A-Za-z_]{1,40})|(?:process\.env|os\.environ|env)[.[].{1,60})$/
/** `YOUR_PASSWORD`, `your-db-password`, `enter_password_here`, `REPLACE_ME`, `PASSWORD`. */
const WORDED =
  /^(?:your|my_real|enter|insert|replace|paste|put|real)[-_ .+]?(?:own|the|new|actual|real|super|secure|strong|secret){0,2}[-_ .+]?(?:secret[-_ .+])?(?:db|database|postgres|pg|supabase|neon|project|user)?[-_ .+]?(?:password|passwd|pass|pwd|pw|secret|user|username|name|host|hostname|db|database|me|here|it|this)(?:[-_ .+]?here)?$/i
/** Instructions of a template to its reader, word by word: `replace_with_your_password`, `password-goes-here`. */
const INSTRUCTION =
  /^(?:(?:replace|enter|insert|paste|put|type|fill|set)(?:[-_ ](?:with|in|the|your|my|a|new|own|real|actual|db|database|postgres|strong|secure)){0,4}[-_ ](?:password|passwd|pass|pwd|secret|value|it|me|this)(?:[-_ ]here)?|(?:password|passwd|pass|pwd|secret)[-_ ](?:goes[-_ ])?here)$/i
/** Labels of buttons that show a value, which are copied in its stead: `show-password`, `CLICK_TO:REVEAL_PASSWORD`. */
const BUTTON =
  /^(?:click[-_ ]to[-_: ](?:reveal|show|view|copy|see)(?:[-_ ](?:the[-_ ])?(?:password|secret|value))?|(?:show|reveal|view|hidden|masked)[-_ ](?:the[-_ ])?(?:password|secret))$/i
/** A reference to a store of secrets, or a value that a program's own key encrypts. */
const REFERENCE =
  /^(?:(?:op|vault|sm|ssm|gcpsm|awssm|akv|azkv|secrets?|doppler|infisical|bws|keepass):\/\/|vault:[a-z0-9_-]{1,60}\/|arn:aws[a-z-]{0,20}:(?:secretsmanager|ssm):|@Microsoft\.KeyVault\(|projects\/[^/]{1,80}\/secrets\/|ENC\(.{4,2000}\)$|\{cipher\})/i

/** Names of the thing itself, in capitals: in small letters they may be what they say. */
const NAMED =
  /^(?:CHANGE[-_]?(?:ME|THIS)|(?:(?:MY|THE|REAL|ACTUAL|SOME|NEW|DB|DATABASE|PG|POSTGRES|POSTGRESQL)[-_])?(?:PASSWORD|PASSWD|PASS|PWD|SECRET|USER|USERNAME|HOST|HOSTNAME|PORT)|(?:__|@@)PASSWORD(?:__|@@)|TODO|TBD|FIXME|DATABASE|DBNAME|DB[-_]NAME|DATABASE[-_]NAME|IP[-_]ADDRESS|HIDDEN|MASKED|FILTERED)$/
/** Values in any case that no person chooses and that programs print for a missing value. */
const NEVER = /^(?:redacted|placeholder|undefined|null|none|\[object object\]|__password__|randompassword)$/i
/** A possessive, in any case. */
const YOURS = /^your[-_ .+]/i
/** A mask repeats one character: bullets of any kind, asterisks, ellipses, x. */
const MASK =
  /^(?:[\u2022\u25cf\u2219\u00b7\u22c5\u2981\u26ab\u25e6\u2024]+|[\u2217\u204e\uff0a\u2731]+|\*{3,}|\u2026+|\.{3,}|x{4,}|X{4,}|_{3,}|-{3,}|#{3,}|\?{3,}|\u2588{2,}|\u25a0{2,})$/u
/** A secret that is masked except for its beginning or end. */
const HALF_MASKED =
  /[\u2022\u25cf]{3}|\*{6}|^\*{4}|\*{4}$|^[^*]{1,2}\*{4,}[^*]{1,2}$|^(?:npg|AVNS|pscale_pw|v2)_(?:x|\*){3,}$|\[REDACTED\]|<REDACTED>|\(REDACTED\)|<(?:click|reveal|show|copy|hidden|masked|your|password|secret)[^<>]{0,40}>|\*{3}(?:MASKED|REDACTED|HIDDEN|FILTERED)\*{3}/i
/** A bracketed piece of a name, such as `postgres.[PROJECT-REF]` or `db.<ref>.supabase.co`. */
const PIECE =
  /\[[A-Za-z][A-Za-z0-9_ -]{0,60}\]|<[A-Za-z][A-Za-z0-9_ -]{0,60}>|\$\{[^{}]{1,60}\}|\{\{[^{}]{1,60}\}\}|\{[A-Za-z][A-Za-z0-9_-]{0,60}\}/
/** A placeholder segment between dots: `project-ref`, `your-server`, `ep-xxx`, `aws-0-region`, `xxxxxxxx`. */
const PART =
  /^(?:(?:your|my)?[-_]?project[-_]?(?:ref|id)|your[-_]?(?:own[-_]?)?(?:server|host|hostname|db|database|db[-_]host|project|instance|cluster|endpoint|rds[-_]endpoint|domain|name|app|ip|user|role)|ep-x{3}[a-z0-9-]{0,40}|aws-[0-9]-region|x{6,}|\*{2,}|[\u2022\u25cf\u2026]+)$/i

/** True if a password, encoded or decoded, is a mask or a placeholder. */
export function isPlaceholderPassword(text: string): boolean {
  const isWord = BRACKETED.test(text) || VARIABLE.test(text) || isWorded(text) || (YOURS.test(text) && isNoun(text))
  return isWord || MASK.test(text) || HALF_MASKED.test(text) || BUTTON.test(text) || isReference(text)
}

/** Whether a text names a secret somewhere else, or is one that only its own program can decrypt. */
export function isReference(text: string): boolean {
  return REFERENCE.test(text)
}

/** True if user name and password together are those of a template; either of them alone may be real. */
export function isPlaceholderLogin(user: string, password: string): boolean {
  return (
    /^(?:user|username|johndoe|janedoe)$/i.test(user) && /^(?:password|passwd|pass|pwd|mypassword)$/i.test(password)
  )
}

/** True if a user, host or database name is a placeholder or contains one. */
export function isPlaceholderName(text: string): boolean {
  if (BRACKETED.test(text) || VARIABLE.test(text) || PIECE.test(text) || MASK.test(text)) return true
  const parts = text.split('.')
  if (parts.some(part => PART.test(part)) || (parts.length === 4 && parts.every(part => /^x{1,3}$/i.test(part))))
    return true
  return isWorded(text) || (YOURS.test(text) && isNoun(text))
}

function isWorded(text: string): boolean {
  return WORDED.test(text) || INSTRUCTION.test(text) || NAMED.test(text) || NEVER.test(text)
}

/** `your-password-here` names a part of a connection string; `your-mother-2` is a password. */
function isNoun(text: string): boolean {
  return /(?:password|passwd|pass|pwd|secret|user|username|host|hostname|port|database|db|name|project|ref|endpoint|id)(?:[-_ .+]?here)?$/i.test(
    text,
  )
}
