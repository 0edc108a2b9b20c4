/**
 * Prints types as the checker has resolved them, with nothing left to infer: a consumer's compiler reads them in
 * microseconds, and the schemas behind them in half a second and seven hundred files. Called by `flat-types.ts`.
 */
import { type Checker, SymbolFlags, type Type, TypeFlags, type Symbol as TypeSymbol } from 'typescript/unstable/sync'

/** Types that are printed by name with their arguments: of the language, or of tRPC. */
const BY_NAME = ['AsyncIterable', 'Date', 'Promise', 'Uint8Array', 'URL']
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
/** Below this length, a type is clearer than its name. */
const NAMED_FROM = 60

/** A printer that prints a named type by its name. */
export class TypeText {
  readonly #checker: Checker
  /** Whole text of a type → its name. */
  readonly #names = new Map<string, string>()
  readonly #used = new Set<string>()
  readonly #texts = new Map<number, string>()
  readonly #open = new Set<number>()

  constructor(checker: Checker) {
    this.#checker = checker
  }

  /** Prints every equal type by this name from now on. False if the text is short or has a name. */
  name(name: string, type: Type): boolean {
    const text = this.whole(type)
    if (text.length < NAMED_FROM || !/[{|]/.test(text) || this.#names.has(text)) return false
    this.#names.set(text, name)
    this.#texts.clear()
    return true
  }

  /** The names that were printed since the last call. */
  takeUsed(): string[] {
    const used = [...this.#used]
    this.#used.clear()
    return used
  }

  /** A type by its name, or in full. */
  print(type: Type): string {
    const name = this.#names.get(this.whole(type))
    if (name === undefined) return this.#dressed(type, inner => this.print(inner))
    this.#used.add(name)
    return name
  }

  /** A type's declaration: in full at its top, and by names below. */
  declared(type: Type): string {
    return this.#dressed(type, inner => this.print(inner))
  }

  /** A type without any name. */
  whole(type: Type): string {
    const known = this.#texts.get(type.id)
    if (known !== undefined) return known
    if (this.#open.has(type.id)) throw new Error(`a type holds itself: ${this.#checker.typeToString(type)}`)
    this.#open.add(type.id)
    const text = this.#dressed(type, inner => this.whole(inner))
    this.#open.delete(type.id)
    this.#texts.set(type.id, text)
    return text
  }

  #dressed(type: Type, print: (inner: Type) => string): string {
    if (type.flags & TypeFlags.Boolean) return 'boolean'
    if (type.isUnionType()) return this.#union(type.getTypes(), print)
    if (type.isStringLiteralType()) return quoted(type.value)
    if (type.isIntersectionType() && type.getTypes().some(part => !part.isObjectType()))
      return type.getTypes().map(print).join(' & ')
    if (!type.isObjectType() && !type.isIntersectionType()) return this.#checker.typeToString(type)
    if (this.#checker.isTupleType(type)) return `[${this.#arguments(type).map(print).join(', ')}]`
    if (this.#checker.isArrayType(type)) return this.#array(type, print)
    const name = type.getSymbol()?.name ?? ''
    if (BY_NAME.includes(name)) return this.#byName(name, type, print)
    return this.#object(type, print)
  }

  #arguments(type: Type): readonly Type[] {
    return type.isTypeReference() ? this.#checker.getTypeArguments(type) : []
  }

  #byName(name: string, type: Type, print: (inner: Type) => string): string {
    const given = this.#arguments(type).map(print)
    return given.length === 0 ? name : `${name}<${given.join(', ')}>`
  }

  #array(type: Type, print: (inner: Type) => string): string {
    const [element] = this.#arguments(type)
    const text = element === undefined ? 'unknown' : print(element)
    const isReadonly = type.getSymbol()?.name === 'ReadonlyArray'
    const inner = /^\w+$/.test(text) || text.startsWith('{') ? text : `(${text})`
    return `${isReadonly ? 'readonly ' : ''}${inner}[]`
  }

  #union(types: readonly Type[], print: (inner: Type) => string): string {
    const texts = types.map(print)
    const isBoolean = texts.includes('true') && texts.includes('false')
    const kept = isBoolean ? [...texts.filter(text => text !== 'true' && text !== 'false'), 'boolean'] : texts
    const last = (text: string) => (text === 'undefined' ? 2 : text === 'null' ? 1 : 0)
    const sorted = [...new Set(kept)].sort((a, b) => last(a) - last(b))
    return sorted.map(text => (text.startsWith('readonly ') ? `(${text})` : text)).join(' | ')
  }

  #object(type: Type, print: (inner: Type) => string): string {
    const checker = this.#checker
    const signatures = [...checker.getSignaturesOfType(type, 0), ...checker.getSignaturesOfType(type, 1)]
    if (signatures.length > 0) throw new Error(`a type has functions in it: ${checker.typeToString(type)}`)
    const indexes = checker.getIndexInfosOfType(type).map(info => {
      const key = checker.typeToString(info.keyType)
      return `${info.isReadonly ? 'readonly ' : ''}[key: ${key}]: ${print(info.valueType)}`
    })
    const members = checker.getPropertiesOfType(type).map(property => this.#property(property, print))
    const lines = [...indexes, ...members]
    return lines.length === 0 ? 'Record<string, never>' : `{\n${indented(lines.join('\n'))}\n}`
  }

  #property(property: TypeSymbol, print: (inner: Type) => string): string {
    const type = this.#checker.getTypeOfSymbol(property)
    if (type === undefined) throw new Error(`a property has no type: ${property.name}`)
    const name = IDENTIFIER.test(property.name) ? property.name : quoted(property.name)
    const isOptional = (property.flags & SymbolFlags.Optional) !== 0
    return `${documentation(property.getDocumentationComment(this.#checker))}${name}${isOptional ? '?' : ''}: ${print(type)}`
  }
}

/** A comment as JSDoc, with a line end after it; empty for none. */
export function documentation(text: string): string {
  const lines = text.trim().replaceAll('*/', '*\\/').split('\n')
  if (lines.length === 1) return lines[0] === '' ? '' : `/** ${lines[0]} */\n`
  return `/**\n${lines.map(line => ` * ${line}`.trimEnd()).join('\n')}\n */\n`
}

function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
