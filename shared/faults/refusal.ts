/**
 * The reason for refusing a connection string or an endpoint's URL: a code from a closed list and one of our own
 * messages.
 *
 * The message never quotes the refused text, which may contain a password. At most it names a parameter from our own
 * tables, or the one character that must be encoded.
 */

/** The kind of mistake. `host_refused` also covers notations of an address that hide where it leads. */
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

/** The refusal of a text. `message` is safe to show to its sender and to anyone else. */
export interface Refusal {
  readonly ok: false
  readonly code: RefusalCode
  readonly message: string
}

/** Creates a refusal. The message is fixed, and quotes only the parts of the input that the header lists. */
export function refuse(code: RefusalCode, message: string): Refusal {
  return { ok: false, code, message }
}
