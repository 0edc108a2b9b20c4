/**
 * The server's side of SCRAM-SHA-256 (RFC 5802,
 * RFC 7677) for a fake server that knows the password.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** One login. */
export interface ScramServer {
  /** The server-first message, from the body of SASLInitialResponse. */
  first(initial: Buffer): string
  /** The server-final message, from the body of SASLResponse. The client's proof is not checked. */
  final(response: Buffer): string
}

/** A server that knows the password, with the given iterations in its message. */
export function createScramServer(password: string, iterations: number): ScramServer {
  const salt = randomBytes(16)
  let clientBare = ''
  let serverFirst = ''
  return {
    first(initial) {
      clientBare = /n=.*$/.exec(initial.toString('latin1'))?.[0] ?? ''
      const nonce = /r=(.*)$/.exec(clientBare)?.[1] ?? ''
      serverFirst = `r=${nonce}${randomBytes(18).toString('base64')},s=${salt.toString('base64')},i=${iterations}`
      return serverFirst
    },
    final(response) {
      const withoutProof = response.toString('latin1').replace(/,p=.*$/, '')
      const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
      const serverKey = createHmac('sha256', salted).update('Server Key').digest()
      const signed = [clientBare, serverFirst, withoutProof].join(',')
      return `v=${createHmac('sha256', serverKey).update(signed).digest('base64')}`
    },
  }
}

/** The MD5 authentication response, which replaces the password. */
export function md5Password(user: string, password: string, salt: Buffer): string {
  const inner = createHash('md5')
    .update(password + user)
    .digest('hex')
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`
}
