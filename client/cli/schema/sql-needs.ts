/**
 * Finds the objects that a statement needs and a script cannot create: functions, whose bodies no snapshot holds, and operators,
 * types and relations outside the snapshot.
 *
 * Only the SQL printer uses it. What is an extension's comes with `create extension`.
 */
import { namesOf } from '#client/cli/schema-sql-form.ts'
import { identifier, qualified } from '#client/cli/schema-sql-text.ts'
import { solid, type Token, tokens } from '#client/cli/schema-sql-token.ts'
import { elementOf } from '#client/cli/schema-type-name.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'

/** Answers with names as SQL takes them; nothing where all is there. */
export interface Needs {
  /** Functions and operators that an expression calls. */
  calls(text: string | undefined): string[]
  /** Relations that a query reads. `made` are those that are there. */
  relations(query: string, made: ReadonlySet<string>): string[]
  /** Types that are none of the snapshot's. */
  types(types: readonly string[]): string[]
}

const OWN = new Set(['pg_catalog', 'information_schema'])

/** Gathers what a snapshot, or a part of it, knows. `whole` is what the part is of. */
export function needsOf(whole: Snapshot): Needs {
  const ofExtensions = new Set(whole.extensions.map(({ schema }) => schema))
  const functions = new Set(
    whole.schemas.flatMap(({ name, functions }) =>
      (functions ?? []).map(one => qualified(name, one.name.slice(0, one.name.indexOf('(')))),
    ),
  )
  const types = new Set(
    whole.schemas.flatMap(({ name, relations, enums, domains, composites, ranges }) => [
      ...[...(enums ?? []), ...(domains ?? []), ...(composites ?? []), ...(ranges ?? [])].map(one => one.name),
      ...relations.map(one => qualified(name, one.name)),
    ]),
  )
  const isGiven = (schema: string) => OWN.has(schema) || ofExtensions.has(schema)
  return {
    calls: text =>
      callsIn(tokens((text ?? '').replace(/;$/, '')) ?? []).flatMap(([schema, name]) =>
        isGiven(schema) && !functions.has(qualified(schema, name)) ? [] : [qualified(schema, name)],
      ),
    relations: (query, made) =>
      relationsIn(tokens(query.replace(/;$/, '')) ?? []).flatMap(([schema, name]) =>
        isGiven(schema) && !whole.schemas.some(one => one.name === schema && one.relations.some(it => it.name === name))
          ? []
          : made.has(qualified(schema, name))
            ? []
            : [qualified(schema, name)],
      ),
    types: names =>
      names.flatMap(type => {
        const bare = elementOf(type).replace(/\([^()]*\)$/, '')
        const [schema, name] = namesOf(bare) ?? []
        if (schema === undefined || name === undefined || isGiven(schema)) return []
        // A range of the snapshot brings its multirange, whose name is its own with another end.
        const isKnown =
          types.has(bare) || types.has(`${identifier(schema)}.${identifier(name.replace('multirange', 'range'))}`)
        return isKnown ? [] : [bare]
      }),
  }
}

const isName = (token: Token | undefined): token is Token => token?.kind === 'word' || token?.kind === 'name'
const isDot = (token: Token | undefined) => token?.kind === 'sign' && token.text === '.'
const isCall = (token: Token | undefined) => token?.kind === 'group' && token.value === '('
const isWord = (token: Token | undefined, words: readonly string[]) =>
  token?.kind === 'word' && words.includes(token.value)

/** Every `schema.name(` and `operator(schema.sign)`, at whatever depth. */
function callsIn(all: readonly Token[]): [string, string][] {
  const found: [string, string][] = []
  const left: (readonly Token[])[] = [all]
  for (let level = left.pop(); level !== undefined; level = left.pop()) {
    const list = solid(level)
    list.forEach((token, at) => {
      const [dot, name, behind] = list.slice(at + 1, at + 4)
      if (isName(token) && isDot(dot) && isName(name) && isCall(behind)) found.push([token.value, name.value])
      if (token.kind !== 'group') return
      left.push(token.inner)
      const [schema, mark, sign] = solid(token.inner)
      if (isWord(list[at - 1], ['operator']) && isName(schema) && isDot(mark))
        found.push([schema.value, sign?.text ?? ''])
    })
  }
  return found
}

/** Every `schema.name` behind FROM or JOIN, and behind a comma or an opening bracket there. */
function relationsIn(all: readonly Token[]): [string, string][] {
  const found: [string, string][] = []
  const left: { readonly level: readonly Token[]; readonly isSource: boolean }[] = [{ level: all, isSource: false }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const list = solid(next.level)
    let isSource = next.isSource
    let isFirst = next.isSource
    list.forEach((token, at) => {
      if (isWord(token, ['from', 'join', 'only'])) {
        isSource = true
        isFirst = true
        return
      }
      if (isWord(token, ['where', 'group', 'order', 'on', 'using', 'limit', 'union', 'select', 'having']))
        isSource = false
      const [dot, name, behind] = list.slice(at + 1, at + 4)
      const isNamed = isFirst && isName(token) && isDot(dot) && isName(name)
      if (isNamed && !isCall(behind)) found.push([token.value, name.value])
      if (token.kind === 'group') left.push({ level: token.inner, isSource: isFirst && isSource })
      isFirst = isSource && token.text === ','
    })
  }
  return found
}
