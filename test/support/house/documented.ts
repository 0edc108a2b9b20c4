/**
 * The OpenAPI document as a check of exchanges in both directions. It reads the served document and is independent of
 * its generation.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { Answer } from '#test/support/http/exchange.ts'

/** The part of an operation that is used here. */
interface Operation {
  readonly operationId: string
  readonly requestBody?: { readonly required: boolean }
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly style?: string }[]
  readonly responses: Readonly<Record<string, { readonly content?: object }>>
}

/** The part of the document that is used here. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

/** A request as it went out. */
export interface SentRequest {
  readonly method: string
  readonly path: string
  readonly body: string
}

/** Checks exchanges. */
export interface ExchangeCheck {
  /** Every `METHOD path` of the document. */
  readonly operations: readonly string[]
  /** The called operation, as `METHOD path`; null when the document has none. */
  operationOf(asked: SentRequest): string | null
  /** The errors of the exchange; empty if it matches the document. */
  problems(asked: SentRequest, answer: Answer): string[]
}

/** Creates a check against the document. */
export function exchangeCheck(document: Document): ExchangeCheck {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema({ ...document, $id: 'document' })
  const errorsOf = (pointer: readonly string[], value: unknown): string[] => {
    const $ref = `document#/${pointer.map(part => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
    const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref })
    return validate(value) ? [] : (validate.errors ?? []).map(error => `${error.instancePath} ${error.message}`)
  }
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter(method => method in item).map(method => `${method.toUpperCase()} ${path}`),
  )
  const operationOf = ({ method, path }: SentRequest) => {
    const wanted = method === 'HEAD' ? 'GET' : method
    const plain = path.replace(/\?.*$/, '').replace(/^\/api(?=\/v1\/(?!connections|api-keys))/, '')
    // A path without a parameter precedes one with it, whatever its methods are.
    const paths = Object.keys(document.paths).sort((one, other) => count(one) - count(other))
    const found = `${wanted} ${paths.find(one => patternOf(one).test(plain))}`
    return operations.includes(found) ? found : null
  }
  const problems = (asked: SentRequest, answer: Answer): string[] => {
    const body: unknown = answer.text === '' ? undefined : JSON.parse(answer.text)
    const name = operationOf(asked)
    if (name === null) return outside(asked, answer, value => errorsOf(errorSchema(asked.path), value))
    const [method = '', path = ''] = name.toLowerCase().split(' ')
    const operation = document.paths[path]?.[method]
    const status = String(answer.status)
    const at = ['paths', path, method]
    const response = operation?.responses[status]
    if (operation === undefined || response === undefined) return [`${name} has no ${status}`]
    const answered = response.content === undefined || asked.method === 'HEAD' ? [] : [...at, 'responses', status]
    return [
      ...(answered.length === 0 ? emptiness(body) : errorsOf([...answered, ...JSON_SCHEMA], body)),
      ...(answer.status < 300
        ? requestProblems(operation, asked, value => errorsOf([...at, 'requestBody', ...JSON_SCHEMA], value))
        : []),
    ]
  }
  return { operations, operationOf, problems }
}

const METHODS = ['get', 'post', 'patch', 'delete']
const JSON_SCHEMA = ['content', 'application/json', 'schema']

const emptiness = (body: unknown) => (body === undefined ? [] : ['there is a body where none is documented'])
const count = (path: string) => path.split('{').length
const patternOf = (path: string) => new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`)
const errorSchema = (path: string) => [
  'components',
  'schemas',
  /^\/api\/v1\/(connections|api-keys)/.test(path) ? 'ConnectionsError' : 'DatasourcesError',
]

/** No operation answers: a path or method that does not exist. */
function outside(asked: SentRequest, answer: Answer, errors: (body: unknown) => string[]): string[] {
  if (![404, 405, 414].includes(answer.status)) return [`${asked.method} ${asked.path} is not documented`]
  return errors(JSON.parse(answer.text))
}

/** An accepted request must be one that the document allows. */
function requestProblems(operation: Operation, asked: SentRequest, errors: (body: unknown) => string[]): string[] {
  const known = (operation.parameters ?? []).filter(one => one.in === 'query')
  const isKnown = (sent: string) =>
    known.some(({ name, style }) => sent === name || (style === 'deepObject' && sent.startsWith(`${name}[`)))
  const sent = [...new URLSearchParams(asked.path.split('?')[1] ?? '').keys()]
  const unknown = sent.filter(name => !isKnown(name)).map(name => `the parameter ${name} is not documented`)
  if (operation.requestBody === undefined) return asked.body === '' ? unknown : [...unknown, 'no body is documented']
  if (asked.body === '') return operation.requestBody.required ? [...unknown, 'the body is missing'] : unknown
  return [...unknown, ...errors(JSON.parse(asked.body))]
}
