/**
 * Calls a procedure as a stranger would, by its path, and says only how it ended.
 */
import type { Token } from './actors.ts'

/** One call. */
export interface Attempt {
  readonly procedure: string
  readonly type: 'query' | 'mutation' | 'subscription'
  readonly token: Token
  readonly input: unknown
}

/** `ok`, or the fault. A subscription is left as soon as it is known which. */
export async function attempt(url: string, { procedure, type, token, input }: Attempt): Promise<string> {
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  const leave = new AbortController()
  const path = `${url}/trpc/${procedure}`
  const response =
    type === 'mutation'
      ? await fetch(path, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(input),
        })
      : await fetch(`${path}?input=${encodeURIComponent(JSON.stringify(input))}`, { headers, signal: leave.signal })
  const isStream = (response.headers.get('content-type') ?? '').startsWith('text/event-stream')
  const text = isStream ? await firstEvent(response) : await response.text()
  leave.abort()
  const fault = /"fault":"([a-z_]+)"/.exec(text)?.[1]
  return fault ?? (response.ok ? 'ok' : `HTTP ${response.status}`)
}

/** What comes until the subscription has said whether it lives. */
async function firstEvent(response: Response): Promise<string> {
  let text = ''
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  while (reader !== undefined && !/event: (serialized-error|connected)/.test(text)) {
    const { done, value } = await reader.read()
    if (done) break
    text += value
  }
  return text
}
