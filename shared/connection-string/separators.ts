/**
 * The separators of a connection URL that came out otherwise: encoded, escaped by a shell, by HTML or by JSON, of another alphabet, doubled,
 * or in each other's place. Only the reason is chosen here; nothing is read by it, and nothing of the text is repeated.
 */
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

const WRITE_LOGIN = 'write user:password@ before the host'

/** Two strings, or one of which the scheme stands there twice; null where there is one. */
export function refuseSeveral(text: string): Refusal | null {
  if ((text.match(/postgres(?:ql)?:\/\//gi) ?? []).length < 2) return null
  return /^postgres(?:ql)?:\/\/postgres(?:ql)?:\/\//i.test(text)
    ? refuse('scheme_refused', 'The scheme stands there twice: write postgresql:// once.')
    : refuse('host_several', 'It holds several connection strings: give one.')
}

/** The reason why text without an @ has no login. */
export function refuseWithoutLogin(rest: string): Refusal {
  if (/%40/.test(rest)) return refuse('credentials_missing', 'The @ before the host is written as %40: write @ there.')
  if (/&#(?:64|x40);/i.test(rest))
    return refuse('credentials_missing', "The @ before the host is in HTML's spelling of it: write @ there.")
  if (/[?&](?:user|username|password)=/i.test(rest))
    return refuse('credentials_missing', `User name and password stand in the parameters: ${WRITE_LOGIN}.`)
  return refuse('credentials_missing', 'A user name and a password have to stand before the host.')
}

/** Full-width punctuation, which input methods write in place of the separators, with the plain form. */
const WIDE: readonly (readonly [string, string])[] = [
  ['\uff1a', ':'],
  ['\uff20', '@'],
  ['\uff0f', '/'],
  ['\uff1f', '?'],
  ['\uff06', '&'],
  ['\uff1d', '='],
]

/** A separator of another alphabet; null where there is none. */
export function refuseWide(text: string): Refusal | null {
  const [wide, plain] = WIDE.find(([character]) => text.includes(character)) ?? []
  if (wide === undefined) return null
  const code = wide.charCodeAt(0).toString(16).toUpperCase()
  return refuse('character_refused', `A full-width ${plain} (U+${code}) stands in it: write the plain ${plain} there.`)
}

type Rule = readonly [RegExp, Refusal]
const spelled = (pattern: RegExp, what: string): Rule => [
  pattern,
  refuse('parameter_malformed', `The parameters hold ${what} spelling of &: write & alone between two parameters.`),
]
const malformed = (pattern: RegExp, message: string): Rule => [pattern, refuse('parameter_malformed', message)]
const unencoded = (pattern: RegExp, message: string): Rule => [pattern, refuse('character_unencoded', message)]

/** In path and query together. Each is linear: none has a wide repetition before what it looks for. */
const ANYWHERE: readonly Rule[] = [
  spelled(/&amp;/i, "&amp;, HTML's"),
  spelled(/&#(?:38|x26);/i, "HTML's"),
  spelled(/\\u0026/i, "\\u0026, JSON's"),
  spelled(/\\&/, "\\&, a shell's"),
  unencoded(/&(?:quot|#34|#39|apos|lt|gt);/i, "It holds HTML's spelling of a quote or bracket: remove it."),
  unencoded(/(?:\\r|\\n)$/, "A line end in JSON's spelling (\\n) stands at its end: remove it."),
  unencoded(/\\$/, 'A backslash stands at its end: remove it.'),
  malformed(/\\[?=]/, "A shell's backslash stands before ? or =: remove it."),
  malformed(/\\u00(?:3d|3f)/i, "JSON's spelling of = or ? stands in it: write the character itself."),
]
const IN_PATH: readonly Rule[] = [
  malformed(/%3F/i, 'The ? before the parameters is written as %3F: write ? there.'),
  malformed(/[&;][A-Za-z_]{1,40}=/, 'Before the first parameter stands & or ;: write ? there.'),
]
const IN_QUERY: readonly Rule[] = [
  malformed(/^\?/, 'Two ? stand before the parameters: write one.'),
  malformed(/.\?$/, 'A ? stands at its end: remove the ? at the end.'),
  malformed(/^&.|&&/, 'A & stands before the first parameter, or two beside each other: write one between two.'),
  malformed(/%26[A-Za-z_]{1,40}=/i, 'The & between two parameters is written as %26: write & there.'),
  malformed(
    /(?:^|&)[A-Za-z_]{1,40}%3D[^=&]*(?:&|$)/i,
    'The = between name and value is written as %3D: write = there.',
  ),
  malformed(/(?:^|&)[A-Za-z_]{1,40}==/, 'Two = stand between the name of a parameter and its value: write one.'),
  malformed(
    /(?:^|&)[A-Za-z_]{1,40} ?: ?[a-z-]/,
    'Between the name of a parameter and its value stands a colon: write = there.',
  ),
  malformed(/;(?:[A-Za-z_ ]|%20){1,40}=/, 'Two parameters are joined by ;: join them by &.'),
  malformed(/,[A-Za-z_]{1,40}=/, 'Two parameters are joined by a comma: join them by &.'),
  malformed(/=[^=&]{0,200} [A-Za-z_]{1,40}=/, 'Two parameters are joined by a space: join them by &.'),
]

/** A separator that is spelled or placed otherwise, in the path or the query; null where each is what it should be. */
export function refuseSeparators(path: string, query: string): Refusal | null {
  return found(ANYWHERE, query === '' ? path : `${path}?${query}`) ?? found(IN_PATH, path) ?? found(IN_QUERY, query)
}

function found(rules: readonly Rule[], text: string): Refusal | null {
  return rules.find(([pattern]) => pattern.test(text))?.[1] ?? null
}

/** Wrong forms of the host and of what stands around it. */
const HOSTS: readonly Rule[] = [
  [/^\[[^\]]*\]\(/, refuse('host_malformed', 'The host is a Markdown link: write the name of the host alone.')],
  [
    /^(?:https?|tcp|postgres(?:ql)?|jdbc):\/\//i,
    refuse('host_malformed', 'Another scheme stands before the host: write the name of the host alone behind the @.'),
  ],
  [
    /^(?:tcp|unix)\(/i,
    refuse('host_malformed', "The host is in the form of Go's MySQL driver: write host:port without tcp( and )."),
  ],
  [
    /^(?:%2f|\/cloudsql|\/var|\/tmp|\/run)/i,
    refuse(
      'host_refused',
      'The path of a socket stands in place of the host, which leads nowhere from here: give the name or the public address of the server.',
    ),
  ],
  [
    /^\[[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\]/,
    refuse('host_malformed', 'Brackets hold an IPv6 address only: write the name of the host without them.'),
  ],
  [/^[^/?#\s]*\s/, refuse('host_malformed', 'The host or the port holds a space: remove it.')],
  [
    /^[^/?#:[\]]+:(?=[/?#]|$)/,
    refuse('port_malformed', 'Behind the host stands a colon without a port: write the port, or leave the colon out.'),
  ],
  [/^[^/?#:[\]]+:[0-9]+:[0-9]+(?=[/?#]|$)/, refuse('host_malformed', 'Two ports stand behind the host: write one.')],
  [
    /^[^/?#:[\]]+:0[0-9]+(?=[/?#]|$)/,
    refuse('port_malformed', 'The port begins with a zero: write a number from 1 to 65535 without it.'),
  ],
  [
    /^(?:\.|[^/?#]*\.\.)/,
    refuse(
      'host_malformed',
      'The host begins with a dot, or holds two beside each other: write one between two parts.',
    ),
  ],
  [
    /^\/[^?]{0,200}\?(?:[^&]{0,200}&){0,9}host=(?:%2f|\/)/i,
    refuse(
      'host_refused',
      "The host is missing before the path, and the parameter host names a socket, which leads nowhere from here: give the server's name or public address.",
    ),
  ],
]

/** A host that is none, by what it is; null where it may be one. */
export function refuseHostForm(behindLogin: string): Refusal | null {
  return found(HOSTS, behindLogin)
}

/** A path that is more than a name. */
const PATHS: readonly Rule[] = [
  unencoded(/^\/+$/, 'The database name is missing behind the /.'),
  unencoded(/^\/\//, 'Two / stand before the database name: write one.'),
  unencoded(/^\/[^/]+\/$/, 'A / stands behind the database name: remove it.'),
  unencoded(
    /^\/[^/#]+\/[^/#]/,
    'The database name holds / as it is: remove it with what follows, or encode / as %2F where it belongs to the name. A schema is named by the parameter schema.',
  ),
  unencoded(/^[^#]*#/, 'A # stands in it, which begins a fragment: remove it with what follows, or encode # as %23.'),
]

/** The text around the database name; null if there is only a name. `path` begins with its slash, or is empty. */
export function refusePath(path: string): Refusal | null {
  return found(PATHS, path)
}
