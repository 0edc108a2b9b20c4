/**
 * The reason for refusing a connection string or an endpoint's URL: a code of a closed list and one of our sentences.
 *
 * The sentence never quotes the refused text, which may hold a password. It names at most a parameter of our own
 * tables, or the one character that must be encoded.
 */

/** The kind of mistake. `host_refused` is a notation of an address that only hides its target. */
export type RefusalCode =
  | 'too_long'
  | 'character_refused'
  | 'character_unencoded'
  | 'escape_malformed'
  | 'scheme_refused'
  | 'credentials_missing'
  | 'credentials_refused'
  | 'host_missing'
  | 'host_several'
  | 'host_malformed'
  | 'host_refused'
  | 'port_malformed'
  | 'database_missing'
  | 'database_refused'
  | 'fragment_refused'
  | 'parameter_malformed'
  | 'parameter_unknown'
  | 'parameter_refused'
  | 'parameter_value'
  | 'parameter_repeated'

/** A refusal of text. `message` is safe to show to its sender and to anyone else. */
export interface Refusal {
  readonly ok: false
  readonly code: RefusalCode
  readonly message: string
}

/** Makes a refusal. The message is a fixed sentence: of the input it contains only the parts named in the header. */
export function refuse(code: RefusalCode, message: string): Refusal {
  return { ok: false, code, message }
}
