/**
 * Finds the qualified names that an SQL text mentions, and their kinds by position: functions, operators, types,
 * collations, operator classes, and names in literals such as `'app.words'::regconfig`.
 *
 * Only `sql-needs.ts` uses this. Each token is read once, at any depth.
 */
import { identifiersIn } from '#client/cli/schema-sql-form.ts'
import { solid, type Token } from '#client/cli/schema-sql-token.ts'

/** The names that a text mentions. */
export interface Mention {
  readonly kind: 'function' | 'operator' | 'type' | 'collation' | 'operator class' | 'relation' | RegistryKind
  readonly schema: string
  readonly name: string
}

type RegistryKind = 'text search configuration' | 'text search dictionary'

/** Types whose literals name an object. */
const REGISTRIES = new Map<string, Mention['kind']>([
  ['regclass', 'relation'],
  ['regconfig', 'text search configuration'],
  ['regdictionary', 'text search dictionary'],
  ['regproc', 'function'],
  ['regprocedure', 'function'],
  ['regtype', 'type'],
  ['regcollation', 'collation'],
])

/** A name, quoted or not. */
export const isName = (token: Token | undefined): token is Token => token?.kind === 'word' || token?.kind === 'name'
const isSign = (token: Token | undefined, text: string) => token?.kind === 'sign' && token.text === text
/** The dot between two names. */
export const isDot = (token: Token | undefined) => isSign(token, '.')
/** True for a group in round brackets. */
export const isCall = (token: Token | undefined) => token?.kind === 'group' && token.value === '('
/** True for one of the given keywords, in lower case. */
export const isWord = (token: Token | undefined, words: readonly string[]) =>
  token?.kind === 'word' && words.includes(token.value)

/** Returns everything that is mentioned, at any depth. */
export function mentionsIn(all: readonly Token[]): Mention[] {
  const found: Mention[] = []
  const left: (readonly Token[])[] = [all]
  for (let level = left.pop(); level !== undefined; level = left.pop()) {
    const list = solid(level)
    for (let at = 0; at < list.length; at += 1) {
      const token = list[at]
      if (token?.kind === 'group') {
        left.push(token.inner)
        if (isWord(list[at - 1], ['operator'])) found.push(...operatorIn(token))
      } else if (isSign(token, '::')) found.push(...castAt(list, at))
      else found.push(...qualifiedAt(list, at))
    }
  }
  return found
}

function operatorIn({ inner }: Token): Mention[] {
  const [schema, dot, ...signs] = solid(inner)
  if (!isName(schema) || !isSign(dot, '.')) return []
  return [{ kind: 'operator', schema: schema.value, name: signs.map(({ text }) => text).join('') }]
}

/** A cast to a qualified type, or of a literal that names an object. */
function castAt(list: readonly Token[], at: number): Mention[] {
  const [given, type, dot, name] = [list[at - 1], list[at + 1], list[at + 2], list[at + 3]]
  if (isName(type) && isSign(dot, '.') && isName(name)) return [{ kind: 'type', schema: type.value, name: name.value }]
  const kind = type?.kind === 'word' ? REGISTRIES.get(type.value) : undefined
  if (kind === undefined || given?.kind !== 'text') return []
  const [schema, named] = identifiersIn(withoutArguments(given.value)) ?? []
  return schema === undefined || named === undefined ? [] : [{ kind, schema, name: named }]
}

/** Returns the name of a function without its argument list. */
function withoutArguments(text: string): string {
  const at = text.indexOf('(')
  return at >= 0 && text.endsWith(')') ? text.slice(0, at) : text
}

/** `schema.name` before brackets or after COLLATE. After INTO it is a table with its columns. */
function qualifiedAt(list: readonly Token[], at: number): Mention[] {
  const [before, token, dot, name, behind] = [list[at - 1], list[at], list[at + 1], list[at + 2], list[at + 3]]
  if (!isName(token) || !isSign(dot, '.') || !isName(name) || isSign(before, '.')) return []
  const about = { schema: token.value, name: name.value }
  if (isWord(before, ['collate'])) return [{ kind: 'collation', ...about }]
  return isCall(behind) && !isSign(before, '::') && !isWord(before, ['into']) ? [{ kind: 'function', ...about }] : []
}

/** The operator classes of an index: `schema.name` after a column, an expression or its collation. */
export function operatorClassesIn(index: readonly Token[]): Mention[] {
  const list = solid(index)
  const using = list.findIndex(token => isWord(token, ['using']))
  const over = list[using + 2]
  if (using < 0 || over === undefined) return []
  const inner = solid(over.inner)
  return inner.flatMap((token, at) => {
    const [before, dot, name] = [inner[at - 1], inner[at + 1], inner[at + 2]]
    const isBehind = before !== undefined && (isName(before) || isCall(before)) && !isWord(before, ['collate'])
    if (!isBehind || !isName(token) || !isSign(dot, '.') || !isName(name)) return []
    return [{ kind: 'operator class' as const, schema: token.value, name: name.value }]
  })
}
