/**
 * Why a connection string or an endpoint's URL is not taken: a code of a closed list and a sentence of ours.
 *
 * The sentence never quotes the text that was refused, which may hold a password. The most that it names is a parameter
 * of our own tables, or the one character that has to be encoded.
 */

/** What kind of thing is wrong. `host_refused` is a spelling of an address that only hides where it leads. */
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

/** A refusal of text. `message` is safe to show to whoever sent it and to anyone else. */
export interface Refusal {
  readonly ok: false
  readonly code: RefusalCode
  readonly message: string
}

/** Makes a refusal. The message is a fixed sentence: nothing of the input goes into it but what the header names. */
export function refuse(code: RefusalCode, message: string): Refusal {
  return { ok: false, code, message }
}
