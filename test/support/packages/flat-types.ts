/**
 * The types that the client uses from `shared` and from the router, as one flat declaration file: no schema, no server
 * context, no library except tRPC. Called by the build of the client's package.
 */
import { join } from 'node:path'
import {
  API,
  type Checker,
  type Project,
  SymbolFlags,
  type Type,
  type Symbol as TypeSymbol,
} from 'typescript/unstable/sync'
import { documentation, TypeText } from './type-text.ts'

/** The module that exports the router's type. */
export const ROUTER = 'server/api/router.ts'

/** The names to take from each module; paths from the root of the tree. */
export type Wanted = ReadonlyMap<string, ReadonlySet<string>>

interface Named {
  readonly name: string
  readonly type: Type
  readonly comment: string
}

const PROCEDURES: Readonly<Record<string, string>> = {
  query: 'TRPCQueryProcedure',
  mutation: 'TRPCMutationProcedure',
  subscription: 'TRPCSubscriptionProcedure',
}

const HEAD = `import type {
  TRPCBuiltRouter,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from '@trpc/server'
`

/** The declarations of the wanted types, and of the types of `shared` that they consist of. */
export function flatTypes(root: string, wanted: Wanted): string {
  const api = new API({ cwd: root })
  try {
    const snapshot = api.updateSnapshot({ openProjects: [join(root, 'tsconfig.json')] })
    const [project] = snapshot.getProjects()
    if (project === undefined) throw new Error('the project cannot be opened')
    return new Flat(project, root).declarations(wanted)
  } finally {
    api.close()
  }
}

class Flat {
  readonly #project: Project
  readonly #checker: Checker
  readonly #root: string
  readonly #text: TypeText
  readonly #named = new Map<string, Named>()

  constructor(project: Project, root: string) {
    this.#project = project
    this.#checker = project.checker
    this.#root = root
    this.#text = new TypeText(project.checker)
  }

  declarations(wanted: Wanted): string {
    this.#nameShared()
    const declared = new Map<string, string>()
    const router = wanted.has(ROUTER) ? [this.#router()] : []
    let names = [...this.#text.takeUsed(), ...this.#wantedNames(wanted)]
    while (names.length > 0) {
      for (const name of names) declared.set(name, this.#declaration(name))
      names = this.#text.takeUsed().filter(name => !declared.has(name))
    }
    const sorted = [...declared].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)
    return [HEAD, ...sorted, ...router].join('\n')
  }

  /** Each exported type of `shared` names the types that equal it. */
  #nameShared(): void {
    const files = this.#project.program
      .getSourceFileNames()
      .filter(file => file.startsWith(join(this.#root, 'shared/')))
    for (const file of files.sort()) {
      for (const symbol of this.#exportsOf(file)) {
        if ((symbol.flags & (SymbolFlags.TypeAlias | SymbolFlags.Interface)) === 0 || this.#named.has(symbol.name))
          continue
        const type = this.#checker.getDeclaredTypeOfSymbol(symbol)
        if (!this.#canBePrinted(type)) continue
        const comment = symbol.getDocumentationComment(this.#checker)
        this.#named.set(symbol.name, { name: symbol.name, type, comment })
        this.#text.name(symbol.name, type)
      }
    }
  }

  /** False for a type with parameters or functions, which no input or output has. */
  #canBePrinted(type: Type): boolean {
    try {
      this.#text.whole(type)
      return true
    } catch {
      return false
    }
  }

  #exportsOf(file: string): readonly TypeSymbol[] {
    const source = this.#project.program.getSourceFile(file)
    const module = source === undefined ? undefined : this.#checker.getSymbolAtLocation(source)
    return module === undefined ? [] : this.#checker.getExportsOfModule(module)
  }

  #wantedNames(wanted: Wanted): string[] {
    return [...wanted].flatMap(([file, names]) => {
      if (file === ROUTER) return []
      const exported = new Set(this.#exportsOf(join(this.#root, file)).map(symbol => symbol.name))
      for (const name of names)
        if (!exported.has(name) || !this.#named.has(name))
          throw new Error(`${file} has no type ${name} that can be printed`)
      return [...names]
    })
  }

  #declaration(name: string): string {
    const named = this.#named.get(name)
    if (named === undefined) throw new Error(`no type is called ${name}`)
    const body = this.#text.declared(named.type)
    const text =
      body.startsWith('{') && !body.includes('} |') && !body.endsWith(']')
        ? `interface ${name} ${body}`
        : `type ${name} = ${body}`
    return `${documentation(named.comment)}export ${text}\n`
  }

  #router(): string {
    const symbol = this.#exportsOf(join(this.#root, ROUTER)).find(({ name }) => name === 'AppRouter')
    if (symbol === undefined) throw new Error(`${ROUTER} exports no AppRouter`)
    const definition = this.#member(this.#checker.getDeclaredTypeOfSymbol(symbol), '_def')
    const types = this.#member(this.#member(definition, '_config'), '$types')
    const errorShape = this.#text.print(this.#member(types, 'errorShape'))
    const record = this.#record(this.#member(definition, 'record'))
    const config = `{ ctx: object; meta: object; errorShape: ${errorShape}; transformer: false }`
    return `${documentation('Every procedure of the API, with its input and output.')}export type AppRouter = TRPCBuiltRouter<${config}, ${record}>\n`
  }

  #member(type: Type, name: string): Type {
    const property = this.#checker.getPropertyOfType(type, name)
    const found = property === undefined ? undefined : this.#checker.getTypeOfSymbol(property)
    if (found === undefined) throw new Error(`${this.#checker.typeToString(type)} has no ${name}`)
    return found
  }

  #record(type: Type): string {
    const lines = this.#checker.getPropertiesOfType(type).map(property => {
      const member = this.#checker.getTypeOfSymbol(property)
      if (member === undefined) throw new Error(`${property.name} has no type`)
      const text = this.#checker.getPropertyOfType(member, '_def') ? this.#procedure(member) : this.#record(member)
      return `${documentation(property.getDocumentationComment(this.#checker))}${property.name}: ${text}`
    })
    return `{\n${lines.join('\n')}\n}`
  }

  #procedure(type: Type): string {
    const definition = this.#member(type, '_def')
    const kind = this.#member(definition, 'type')
    const name = kind.isStringLiteralType() ? PROCEDURES[kind.value] : undefined
    if (name === undefined) throw new Error(`no procedure: ${this.#checker.typeToString(kind)}`)
    const types = this.#member(definition, '$types')
    const input = this.#text.print(this.#member(types, 'input'))
    const output = this.#text.print(this.#member(types, 'output'))
    return `${name}<{ input: ${input}; output: ${output}; meta: object }>`
  }
}
