/**
 * HTTP on a bare socket, for requests that no client sends and answers that it would hide: broken requests, slow ones,
 * persistent connections.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Connects to the server at the URL. */
export async function open(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** All bytes until the server closes. */
export async function whole(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** One request as text; the server closes the connection after it. */
export async function raw(text: string, url: string): Promise<string> {
  const socket = await open(url)
  socket.write(text)
  return whole(socket)
}

/** The status of an answer. */
export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
/** The body of an answer, parsed. */
export const bodyOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
