/**
 * Calls a procedure as a stranger would, by its path, and returns only the result. An answer is compared with the
 * procedure's output schema, because the product does not parse its own output.
 */
import { isDeepStrictEqual } from 'node:util'
import { appRouter } from '#server/api/router.ts'
import type { Token } from './actors.ts'

/** A call of a procedure. */
export interface Attempt {
  readonly procedure: string
  readonly type: 'query' | 'mutation' | 'subscription'
  readonly token: Token
  readonly input: unknown
  /**
   * Whether a refusal is expected: a subscription opens before it checks its object, so that the caller waits for the
   * refusal.
   */
  readonly refused: boolean
}

/** How long a subscription is observed for a refusal that should not come. */
const SILENCE_MS = 200

/** `ok`, the fault, or how an answer differs from its schema. A subscription is closed as soon as the result is known. */
export async function attempt(url: string, { procedure, type, token, input, refused }: Attempt): Promise<string> {
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
  const text = isStream ? await firstEvent(response, refused) : await response.text()
  leave.abort()
  const fault = /"fault":"([a-z_]+)"/.exec(text)?.[1]
  if (fault !== undefined || !response.ok) return fault ?? `HTTP ${response.status}`
  return isStream ? 'ok' : difference(procedure, JSON.parse(text).result.data)
}

/** Parts of a snapshot that the product sends as text, without parsing them. */
const TEXTS: ReadonlySet<string> = new Set(['content', 'changes'])

/** Returns `ok` for an answer that its schema accepts and leaves unchanged. */
function difference(procedure: string, answer: unknown): string {
  const { output } = Reflect.get(appRouter._def.procedures, procedure)._def
  if (output === null) return `${procedure} promises no shape`
  const parsed = output.safeParse(answer)
  if (!parsed.success) {
    const issues: { path: string[] }[] = parsed.error.issues
    return issues.every(({ path }) => TEXTS.has(path.join('.'))) ? 'ok' : `${procedure}: ${parsed.error.message}`
  }
  return isDeepStrictEqual(parsed.data, answer) ? 'ok' : `${procedure} answers more than it promises`
}

/** Returns the events until a refusal, or until it is clear that none follows. */
async function firstEvent(response: Response, refused: boolean): Promise<string> {
  let text = ''
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const over = Promise.withResolvers<{ done: true; value: undefined }>()
  while (reader !== undefined && !text.includes('event: serialized-error')) {
    if (!refused && text.includes('event: connected'))
      setTimeout(() => over.resolve({ done: true, value: undefined }), SILENCE_MS)
    const { done, value } = await Promise.race([reader.read(), over.promise])
    if (done) break
    text += value
  }
  return text
}
