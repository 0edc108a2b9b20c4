/**
 * An attempt to register: the parts of a connection
 * string, a CA certificate and a schema.
 */

/** The parts of an attempt. */
export interface Attempt {
  readonly user: string
  readonly password: string
  readonly host: string
  readonly port: number
  readonly database: string
  readonly parameters: Readonly<Record<string, string>>
  /** PEM. */
  readonly caCertificate: string | null
  readonly schema: string
}

/** Returns the connection string. */
export function connectionStringOf({ user, password, host, port, database, parameters }: Attempt): string {
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${value}`)
  const login = [user, password].map(encodeURIComponent).join(':')
  return `postgresql://${login}@${host}:${port}/${encodeURIComponent(database)}${query.length === 0 ? '' : `?${query.join('&')}`}`
}
