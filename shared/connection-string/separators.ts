/**
 * Recognises damaged separators in a connection URL: encoded, escaped by a shell, HTML or JSON, full-width, doubled, or
 * swapped. These rules only select the reason of a refusal; they do not affect parsing, and no reason quotes the text.
 */
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

const WRITE_LOGIN = 'write user:password@ before the host'

/** Refuses text that holds two connection strings or a repeated scheme; null if it holds one scheme. */
export function refuseSeveral(text: string): Refusal | null {
  if ((text.match(/postgres(?:ql)?:\/\//gi) ?? []).length < 2) return null
  return /^postgres(?:ql)?:\/\/postgres(?:ql)?:\/\//i.test(text)
    ? refuse('scheme_refused', 'The scheme is repeated: write postgresql:// once.')
    : refuse('host_several', 'It contains several connection strings: give one.')
}

/** Returns the reason why text without an @ has no login. */
export function refuseWithoutLogin(rest: string): Refusal {
  if (/%40/.test(rest))
    return refuse('credentials_missing', 'The @ before the host is written as %40: write @ instead.')
  if (/&#(?:64|x40);/i.test(rest))
    return refuse('credentials_missing', 'The @ before the host is written as an HTML entity: write @ instead.')
  if (/[?&](?:user|username|password)=/i.test(rest))
    return refuse('credentials_missing', `User name and password are among the parameters: ${WRITE_LOGIN}.`)
  const refusal = refuse('credentials_missing', 'A user name and a password are required before the host.')
  return /^[/?]/.test(rest) ? (refuseHostForm(rest) ?? refusal) : refusal
}

/** Full-width punctuation that input methods write in place of separators, each with its plain form. */
const WIDE: readonly (readonly [string, string])[] = [
  ['\uff1a', ':'],
  ['\uff20', '@'],
  ['\uff0f', '/'],
  ['\uff1f', '?'],
  ['\uff06', '&'],
  ['\uff1d', '='],
]

/** Refuses a full-width separator; null if there is none. */
export function refuseWide(text: string): Refusal | null {
  const [wide, plain] = WIDE.find(([character]) => text.includes(character)) ?? []
  if (wide === undefined) return null
  const code = wide.charCodeAt(0).toString(16).toUpperCase()
  return refuse('character_refused', `It contains a full-width ${plain} (U+${code}): write a plain ${plain} instead.`)
}

type Rule = readonly [RegExp, Refusal]
const encoded = (pattern: RegExp, what: string): Rule => [
  pattern,
  refuse(
    'parameter_malformed',
    `The parameters contain ${what} spelling of &: write a plain & between two parameters.`,
  ),
]
const malformed = (pattern: RegExp, message: string): Rule => [pattern, refuse('parameter_malformed', message)]
const unencoded = (pattern: RegExp, message: string): Rule => [pattern, refuse('character_unencoded', message)]

/** Rules for path and query together. Each pattern is linear: no wide repetition precedes what it looks for. */
const ANYWHERE: readonly Rule[] = [
  encoded(/&amp;/i, "&amp;, HTML's"),
  encoded(/&#(?:38|x26);/i, "HTML's"),
  encoded(/\\u0026/i, "\\u0026, JSON's"),
  encoded(/\\&/, "\\&, a shell's"),
  unencoded(/&(?:quot|#34|#39|apos|lt|gt);/i, 'It contains a quote or bracket written as an HTML entity: remove it.'),
  unencoded(/(?:\\r|\\n)$/, 'It ends with \\n, a line break as written in JSON: remove it.'),
  unencoded(/\\$/, 'It ends with a backslash: remove it.'),
  malformed(/\\[?=]/, "There is a shell's backslash before ? or =: remove it."),
  malformed(/\\u00(?:3d|3f)/i, 'It contains = or ? as a JSON escape: write the character itself.'),
]
const IN_PATH: readonly Rule[] = [
  malformed(/%3F/i, 'The ? before the parameters is written as %3F: write ? instead.'),
  malformed(/[&;][A-Za-z_]{1,40}=/, 'There is a & or ; before the first parameter: write ? instead.'),
]
const IN_QUERY: readonly Rule[] = [
  malformed(/^\?/, 'There are two ? before the parameters: write one.'),
  malformed(/.\?$/, 'It ends with a ?: remove the ? at the end.'),
  malformed(
    /^&.|&&/,
    'There is a & before the first parameter, or two next to each other: write one between two parameters.',
  ),
  malformed(/%26[A-Za-z_]{1,40}=/i, 'The & between two parameters is written as %26: write & instead.'),
  malformed(
    /(?:^|&)[A-Za-z_]{1,40}%3D[^=&]*(?:&|$)/i,
    'The = between name and value is written as %3D: write = instead.',
  ),
  malformed(/(?:^|&)[A-Za-z_]{1,40}==/, 'There are two = between the name of a parameter and its value: write one.'),
  malformed(
    /(?:^|&)[A-Za-z_]{1,40} ?: ?[a-z-]/,
    'There is a colon between the name of a parameter and its value: write = instead.',
  ),
  malformed(/;(?:[A-Za-z_ ]|%20){1,40}=/, 'Two parameters are joined with ;: join them with &.'),
  malformed(/,[A-Za-z_]{1,40}=/, 'Two parameters are joined with a comma: join them with &.'),
  malformed(/=[^=&]{0,200} [A-Za-z_]{1,40}=/, 'Two parameters are joined with a space: join them with &.'),
]

/** Refuses an escaped or misplaced separator in the path or the query; null if there is none. */
export function refuseSeparators(path: string, query: string): Refusal | null {
  return found(ANYWHERE, query === '' ? path : `${path}?${query}`) ?? found(IN_PATH, path) ?? found(IN_QUERY, query)
}

function found(rules: readonly Rule[], text: string): Refusal | null {
  return rules.find(([pattern]) => pattern.test(text))?.[1] ?? null
}

/** Malformed hosts and ports. */
const HOSTS: readonly Rule[] = [
  [/^\[[^\]]*\]\(/, refuse('host_malformed', 'The host is a Markdown link: write only the host name.')],
  [
    /^(?:https?|tcp|postgres(?:ql)?|jdbc):\/\//i,
    refuse('host_malformed', 'There is another scheme before the host: write only the host name after the @.'),
  ],
  [
    /^(?:tcp|unix)\(/i,
    refuse('host_malformed', "The host is in the form of Go's MySQL driver: write host:port without tcp( and )."),
  ],
  [
    /^(?:%2f|\/cloudsql|\/var|\/tmp|\/run)/i,
    refuse(
      'host_refused',
      'The host is the path of a socket, which cannot be reached from here: give the name or the public address of the server.',
    ),
  ],
  [
    /^\[[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\]/,
    refuse('host_malformed', 'Brackets are only for IPv6 addresses: write the host name without them.'),
  ],
  [/^[^/?#\s]*\s/, refuse('host_malformed', 'The host or the port contains a space: remove it.')],
  [
    /^[^/?#:[\]]+:(?=[/?#]|$)/,
    refuse('port_malformed', 'There is a colon without a port after the host: write the port, or leave the colon out.'),
  ],
  [/^[^/?#:[\]]+:[0-9]+:[0-9]+(?=[/?#]|$)/, refuse('host_malformed', 'There are two ports after the host: write one.')],
  [
    /^[^/?#:[\]]+:0[0-9]+(?=[/?#]|$)/,
    refuse('port_malformed', 'The port begins with a zero: write a number from 1 to 65535 without it.'),
  ],
  [
    /^(?:\.|[^/?#]*\.\.)/,
    refuse('host_malformed', 'The host begins with a dot, or contains two in a row: write one between two parts.'),
  ],
  [
    /^\/[^?]{0,200}\?(?:[^&]{0,200}&){0,9}host=(?:%2f|\/)/i,
    refuse(
      'host_refused',
      "The host is missing before the path, and the parameter host names a socket, which cannot be reached from here: give the server's name or public address.",
    ),
  ],
  [
    /^\/[^?]{0,200}\?(?:[^&]{0,200}&){0,9}host=[^&]/i,
    refuse('host_missing', 'The host is missing before the path: move it there from the parameter host.'),
  ],
]

/** Refuses a malformed host by what it looks like; null if it may be a host. */
export function refuseHostForm(behindLogin: string): Refusal | null {
  return found(HOSTS, behindLogin)
}

/** Paths that are more than a database name. */
const PATHS: readonly Rule[] = [
  unencoded(/^\/+$/, 'The database name is missing after the /.'),
  unencoded(/^\/\//, 'There are two / before the database name: write one.'),
  unencoded(/^\/[^/]+\/$/, 'There is a / after the database name: remove it.'),
  unencoded(
    /^\/[^/#]+\/[^/#]/,
    'The database name contains an unencoded /: remove it with everything after it, or encode / as %2F if it belongs to the name. To name a schema, use the parameter schema.',
  ),
  unencoded(
    /^[^#]*#/,
    'It contains a #, which begins a fragment: remove it with everything after it, or encode # as %23.',
  ),
]

/**
 * Refuses text around the database name; null if the path is only a name. `path` begins with its slash, or is empty.
 */
export function refusePath(path: string): Refusal | null {
  return found(PATHS, path)
}
