/**
 * Exchanges as files: requests and the expected answers, written as on the wire. `{{name}}` is a given value,
 * `{{any:uuid}}` any text of that form; `###` separates two requests of one story.
 */
import { expect } from 'vitest'

/** One request and its answer. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
  readonly expected: {
    readonly status: number
    readonly headers: readonly (readonly [string, string])[]
    readonly body: string
  }
}

/** A file: its first lines, and its exchanges in order. */
export interface Story {
  readonly says: string
  /** Lines of the form `# with: NAME=value`: the story needs a Mooring with this configuration. */
  readonly environment: Readonly<Record<string, string>>
  /** True with a line `# with: worker`: the story needs a verification. */
  readonly withWorker: boolean
  /** Lines of the form `# after: SQL`, run on Mooring's own database to break something. */
  readonly damage: readonly string[]
  readonly exchanges: readonly Exchange[]
}

/** The received answer. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Reads a file. Throws on one of another form. */
export function parseStory(text: string): Story {
  const lines = text.split('\n')
  const comments = lines.filter(line => line.startsWith('# ')).map(line => line.slice(2))
  const named = (mark: string) =>
    comments.filter(line => line.startsWith(mark)).map(line => line.slice(mark.length).trim())
  const settings = named('with:').filter(line => line.includes('='))
  const pairs = settings.map(line => line.split('=', 2) as [string, string]) // NAME=value
  return {
    says: comments.find(line => !/^(with|after):/.test(line)) ?? '',
    withWorker: named('with:').includes('worker'),
    environment: Object.fromEntries(pairs),
    damage: named('after:'),
    exchanges: lines
      .filter(line => !line.startsWith('# '))
      .join('\n')
      .split(/^###$/m)
      .map(parseExchange),
  }
}

function parseExchange(text: string): Exchange {
  const [asked = '', answered] = text.split(/^HTTP\/1\.1 /m)
  if (answered === undefined) throw new Error('an exchange has a request and an answer that begins with HTTP/1.1')
  const [requestHead = '', body = ''] = splitHead(asked)
  const [answerHead = '', answerBody = ''] = splitHead(answered)
  const [line = '', ...headers] = requestHead.split('\n')
  const [status = '', ...answerHeaders] = answerHead.split('\n')
  const [method = '', path = ''] = line.split(' ')
  return {
    method,
    path,
    headers: headers.map(parseHeader),
    body,
    expected: { status: Number(status.slice(0, 3)), headers: answerHeaders.map(parseHeader), body: answerBody },
  }
}

function splitHead(text: string): string[] {
  const [head = '', ...rest] = text.trim().split('\n\n')
  return [head, rest.join('\n\n')]
}

function parseHeader(line: string): readonly [string, string] {
  const at = line.indexOf(':')
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()]
}

/** Inserts the given values; `{{any:…}}` stays. */
export async function filled(text: string, given: (name: string) => Promise<string>): Promise<string> {
  let result = text
  for (const [mark, name = ''] of text.matchAll(/\{\{(?!any\}\})([A-Za-z0-9]+)\}\}/g))
    result = result.replaceAll(mark, await given(name))
  return result
}

const FORMS: Readonly<Record<string, RegExp>> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  hex: /^[0-9a-f]{32}$/,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  text: /^[\s\S]+$/,
  number: /^\d+$/,
}

/** Asserts that the answer is the expected one: status, the listed headers, and the whole body. */
export function expectAnswer(answer: Answer, expected: Exchange['expected']): void {
  expect(answer.status, answer.text).toBe(expected.status)
  for (const [name, value] of expected.headers) expect(answer.headers.get(name) ?? '', name).toMatch(formOf(value))
  const isJson = answer.text !== '' && (answer.headers.get('content-type') ?? '').startsWith('application/json')
  if (expected.body === '') expect(answer.text).toBe('')
  else expect(isJson ? JSON.parse(answer.text) : answer.text).toEqual(patterned(JSON.parse(expected.body)))
}

/** The text as a pattern, with `{{any:form}}` for any text of that form. */
function formOf(text: string): RegExp {
  const parts = text.split(/\{\{any:([a-z]+)\}\}/)
  const source = parts.map((part, at) =>
    at % 2 === 0 ? part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&') : formSource(part),
  )
  return new RegExp(`^${source.join('')}$`)
}

function formSource(name: string): string {
  const form = FORMS[name]
  if (form === undefined) throw new Error(`there is no form ${name}`)
  return form.source.replace(/^\^|\$$/g, '')
}

/**
 * The value with a matcher for each text that holds `{{any:…}}`; `{{any:number}}` alone is a number, `{{any}}`
 * anything.
 */
function patterned(value: unknown): unknown {
  if (value === '{{any}}') return expect.anything()
  if (value === '{{any:number}}') return expect.any(Number)
  if (typeof value === 'string' && value.includes('{{any:')) return expect.stringMatching(formOf(value))
  if (Array.isArray(value)) return value.map(patterned)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, patterned(item)]))
}
