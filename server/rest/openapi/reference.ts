/**
 * The reference: the OpenAPI document as one HTML page, rendered once, which runs no script and loads nothing except
 * its style. To try requests, load `/openapi.json` into a tool. Called by `docs.ts`.
 */
import { escaped, page, paragraphs } from './page.ts'
import { type Schema, schemaHtml, typeOf } from './reference-schema.ts'

interface Parameter {
  readonly $ref?: string
  readonly in: string
  readonly name: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: Schema
}

interface Content {
  readonly schema?: Schema
  readonly examples?: Readonly<Record<string, { readonly value?: unknown }>>
}

interface Body {
  readonly $ref?: string
  readonly description?: string
  readonly content?: Readonly<Record<string, Content>>
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: Body
  readonly responses: Readonly<Record<string, Body>>
}

/** The part of an OpenAPI document that the page shows. */
export interface ReferenceDocument {
  readonly info: { readonly title: string; readonly summary: string; readonly description: string }
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components: {
    readonly schemas?: Readonly<Record<string, Schema>>
    readonly parameters?: Readonly<Record<string, Parameter>>
    readonly responses?: Readonly<Record<string, Body>>
    readonly securitySchemes?: Readonly<Record<string, { readonly description?: string; readonly name?: string }>>
  }
}

interface Located {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

/** The page. */
export function referencePage(document: ReferenceDocument): string {
  const operations = operationsOf(document)
  const { info, tags, components } = document
  const groups = tags.map(tag => ({ ...tag, members: operations.filter(one => one.operation.tags.includes(tag.name)) }))
  const schemas = Object.entries(components.schemas ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const body = `<nav>
<details open><summary>Operations</summary>
${groups.map(({ name, members }) => `<h4>${escaped(name)}</h4>\n<ul>${members.map(entry).join('\n')}</ul>`).join('\n')}
<ul><li><a href="#schemas">Schemas</a></li></ul></details>
</nav>
<main>
<h1>${escaped(info.title)}</h1>
<p>${escaped(info.summary)} <a href="openapi.json">openapi.json</a> · <a href="docs/guide">guide</a> · <a href="docs/faults">faults</a></p>
${paragraphs(info.description)}
${Object.values(components.securitySchemes ?? {})
  .map(({ description }) => paragraphs(description))
  .join('\n')}
${groups.map(group => tagSection(document, group)).join('\n')}
<h2 id="schemas"><a href="#schemas">Schemas</a></h2>
${schemas.map(([name, schema]) => `<section id="schema-${escaped(name)}"><h3>${escaped(name)}</h3>${schemaHtml(schema)}</section>`).join('\n')}
</main>`
  return page('Mooring: API', 'docs/', body).replace('<body>', '<body class="wide">')
}

function operationsOf({ paths }: ReferenceDocument): Located[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter(method => method in item).map(method => ({
      method: method.toUpperCase(),
      path,
      operation: item[method] as Operation, // the document has one under each method
    })),
  )
}

function entry({ method, path, operation }: Located): string {
  return `<li><a href="#${escaped(operation.operationId)}"><span class="method">${method}</span> ${escaped(path)}</a></li>`
}

function tagSection(
  document: ReferenceDocument,
  group: { readonly name: string; readonly description: string; readonly members: readonly Located[] },
): string {
  const { name, description, members } = group
  return `<h2 id="tag-${escaped(name)}">${escaped(name)}</h2>
${paragraphs(description)}
${members.map(member => operationSection(document, member)).join('\n')}`
}

function operationSection(document: ReferenceDocument, { method, path, operation }: Located): string {
  const { operationId, summary, description, requestBody } = operation
  const id = escaped(operationId)
  return `<section id="${id}">
<h3><a href="#${id}"><span class="method">${method}</span> ${escaped(path)}</a></h3>
<p><strong>${escaped(summary)}</strong></p>
${paragraphs(description)}
${parameterList(document, operation)}
${requestBody === undefined ? '' : `<h4>Body</h4>\n${content(requestBody)}`}
<h4>Answers</h4>
${answers(document, operation)}
</section>`
}

function parameterList({ components }: ReferenceDocument, { parameters = [] }: Operation): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map(given => {
    const name = given.$ref?.slice(given.$ref.lastIndexOf('/') + 1)
    const parameter = (name === undefined ? undefined : components.parameters?.[name]) ?? given
    const must = parameter.required === true ? ', required' : ''
    const type = parameter.schema === undefined ? 'string' : typeOf(parameter.schema)
    return `<dt><code>${escaped(parameter.name)}</code> <span class="of">${escaped(parameter.in)}, ${type}${must}</span></dt>
<dd>${paragraphs(parameter.description ?? parameter.schema?.description)}</dd>`
  })
  return `<h4>Parameters</h4>\n<dl>${rows.join('\n')}</dl>`
}

function answers({ components }: ReferenceDocument, { responses }: Operation): string {
  return Object.entries(responses)
    .map(([status, given]) => {
      const name = given.$ref?.slice(given.$ref.lastIndexOf('/') + 1)
      const response = (name === undefined ? undefined : components.responses?.[name]) ?? given
      const open = status.startsWith('2') ? ' open' : ''
      return `<details${open}><summary>${escaped(status)}</summary>${paragraphs(response.description)}${content(response)}</details>`
    })
    .join('\n')
}

function content({ content: given = {} }: Body): string {
  return Object.values(given)
    .map(({ schema, examples = {} }) => {
      const texts = Object.entries(examples).map(
        ([name, { value }]) =>
          `<details><summary>${escaped(name)}</summary><pre>${escaped(JSON.stringify(value, null, 2) ?? '')}</pre></details>`,
      )
      return `${schema === undefined ? '' : schemaHtml(schema)}${texts.join('\n')}`
    })
    .join('\n')
}
