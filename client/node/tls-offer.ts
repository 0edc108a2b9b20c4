/**
 * Asks a server whether it offers TLS, for `sslmode=prefer`, which occurs only in networks that the installation has
 * opened. It uses one socket, sends eight bytes and reads one. Used only by `node.ts`.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'

const ANSWER_MS = 5_000

/** True if the server answers an SSLRequest with `S`. Rejects if it cannot be reached or does not answer within 5 s. */
export async function offersTls(socket: Socket, port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_MS)
  try {
    const connected = once(socket, 'connect', { signal })
    socket.connect(port)
    await connected
    const request = Buffer.alloc(8)
    request.writeInt32BE(8, 0)
    request.writeInt32BE(80877103, 4)
    const answered = once(socket, 'data', { signal })
    socket.write(request)
    const [answer] = await answered
    return Buffer.isBuffer(answer) && answer[0] === 0x53
  } finally {
    socket.destroy()
  }
}
