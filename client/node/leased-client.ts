/**
 * The driver's client for a lease: it connects only to allowed addresses and applies the login rules that the
 * credential was verified under. It must never send a password in clear or as MD5 to a server that has not proved its
 * identity. Used only by `node.ts`.
 */
import net from 'node:net'
import { checkServerIdentity, TLSSocket } from 'node:tls'
import pg from 'pg'
import type { LeasedPlace } from './leased-place.ts'

const CONNECT_MS = 10_000
const BOUND = 'SCRAM-SHA-256-PLUS'

/**
 * Returns a client class for the driver's pool. Each client asks `placeOf` where to connect; null means that it must
 * not connect.
 */
export function leasedClient(placeOf: () => LeasedPlace | null): new () => pg.Client {
  return class extends pg.Client {
    constructor() {
      const place = placeOf()
      if (place === null) {
        super({ ssl: false, stream: endedSocket })
        return
      }
      const rules = new LoginRules(place)
      super(configOf(place, rules))
      rules.watch(this.connection)
    }
  }
}

function configOf(place: LeasedPlace, rules: LoginRules): pg.ClientConfig {
  const { target, encrypt } = place
  const isEncrypted = encrypt !== 'never'
  // Fields are passed one by one, never as a string, and the password as a function; otherwise the driver would look
  // for PGPASSWORD and ~/.pgpass.
  return {
    host: place.addresses[0] ?? '',
    port: target.port,
    user: target.user,
    database: target.database,
    password: () => rules.passwordFor(place),
    ssl: isEncrypted ? { ...place.tls, host: target.host } : false,
    sslnegotiation: target.sslNegotiation,
    stream: () => judgedSocket(place),
    enableChannelBinding: isEncrypted && target.channelBinding !== 'disable',
    application_name: target.applicationName ?? 'mooring-lease',
    connectionTimeoutMillis: (target.connectTimeoutSeconds ?? 0) * 1000 || CONNECT_MS,
    ...(target.neonEndpoint === null ? {} : { options: `endpoint=${target.neonEndpoint}` }),
  }
}

/**
 * A socket that always connects to the allowed addresses, one after the other as Node does, whatever host it is given.
 */
export function judgedSocket(place: Pick<LeasedPlace, 'addresses' | 'target'>): net.Socket {
  const socket = new net.Socket()
  const connect = socket.connect.bind(socket)
  const addresses = place.addresses.map(address => ({ address, family: net.isIP(address) }))
  Reflect.set(socket, 'connect', () =>
    connect({
      // An invalid name: the lookup hook answers it, and Node's own resolver is never asked.
      host: 'leased.invalid',
      port: place.target.port,
      autoSelectFamily: true,
      lookup: (_name, _options, done) => done(null, addresses),
    }),
  )
  return socket
}

/** A socket that fails on connecting. The pool expects a client whose connection attempt fails. */
function endedSocket(): net.Socket {
  const socket = new net.Socket()
  Reflect.set(socket, 'connect', () => socket.destroy(new Error('the lease has ended')))
  return socket
}

/**
 * The proofs required before the password is sent: the rules of the worker's own dials, as far as the driver exposes
 * them.
 */
class LoginRules {
  readonly #place: LeasedPlace
  #connection: pg.Connection | null = null
  #exposing: 'clear' | 'md5' | null = null
  #isProven = false

  constructor(place: LeasedPlace) {
    this.#place = place
  }

  /** Watches a login from its beginning. */
  watch(connection: pg.Connection): void {
    this.#connection = connection
    const exposing = (how: 'clear' | 'md5') => () => {
      this.#exposing = how
    }
    connection.prependListener('authenticationCleartextPassword', exposing('clear'))
    connection.prependListener('authenticationMD5Password', exposing('md5'))
    connection.prependListener('authenticationSASL', (message: { mechanisms: readonly string[] }) => {
      const isBound = this.#place.target.channelBinding === 'require'
      if (isBound && !message.mechanisms.includes(BOUND))
        this.#refuse('the server does not bind the login to its channel')
    })
    // The driver's own listener, which runs first, has already compared the server's signature.
    connection.on('authenticationSASLFinal', () => {
      this.#isProven = true
    })
    connection.prependListener('authenticationOk', () => {
      if (!this.#isProven) this.#refuse('the server did not prove that it knows the password')
    })
  }

  /** Returns the password if the requested authentication method may receive it. */
  passwordFor(place: LeasedPlace): string {
    if (this.#exposing !== null) {
      const bound = place.target.channelBinding === 'require'
      // The caller who named the certificate may control the server: what the worker does not send under it, the holder
      // does not send either.
      const isCaNamed = place.tls.ca !== undefined && !(place.md5Allowed && this.#exposing === 'md5')
      if (bound || isCaNamed || !this.#isServerVerified()) {
        this.#refuse('the login would expose the password')
        throw new Error('the login would expose the password')
      }
      // Any server with a valid certificate for that name is accepted.
      this.#isProven = true
    }
    return place.password()
  }

  #isServerVerified(): boolean {
    const stream: unknown = Reflect.get(Object(this.#connection), 'stream')
    if (!(stream instanceof TLSSocket) || !stream.authorized) return false
    return checkServerIdentity(this.#place.target.host, stream.getPeerCertificate()) === undefined
  }

  #refuse(why: string): void {
    // Reported immediately; otherwise the driver would trust messages that follow in the same packet.
    this.#connection?.emit('error', new Error(why))
    const stream: unknown = Reflect.get(Object(this.#connection), 'stream')
    if (stream instanceof net.Socket) stream.destroy()
  }
}
