/**
 * Requests of the benchmark over persistent connections.
 * Any status but 2xx aborts it: refusals are not measured.
 */
import { Agent, request } from 'node:http'

/** One request. */
export interface BenchRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: unknown
}

/** Sends it and returns the text. Throws on any status but 2xx. */
export type Send = (asked: BenchRequest) => Promise<string>

/** Opens connections to one web tier under one key. */
export function sender(url: string, key: string): Send {
  const agent = new Agent({ keepAlive: true })
  return ({ method, path, body }) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers = {
        authorization: `Bearer ${key}`,
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      }
      const sent = request(`${url}${path}`, { method, agent, headers }, answer => {
        const parts: Buffer[] = []
        answer.on('data', part => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          const whole = Buffer.concat(parts).toString()
          const status = answer.statusCode ?? 0
          if (status >= 200 && status < 300) resolve(whole)
          else reject(new Error(`${method} ${path}: ${status} ${whole.slice(0, 300)}`))
        })
      })
      sent.on('error', reject)
      sent.end(text)
    })
}
