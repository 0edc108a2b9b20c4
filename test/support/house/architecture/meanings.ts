/**
 * One meaning for each exported name of the product: two exports of one name are one idea, or are read behind the name
 * of their module, as in `claims.finish`.
 */
import type { Program } from 'oxc-parser'
import { resolve } from './imports.ts'
import { isTest, type Source, type Violation } from './source.ts'

/** Names that several files export for one idea, with the reason for more than one declaration. */
const ONE_IDEA: Readonly<Record<string, string>> = {
  Verification: 'the result of a verification, inside the server and as callers see it',
}

/** A declaration that is exported under a name. */
interface Exported {
  readonly name: string
  readonly file: string
  readonly line: number
}

/** Reports each exported name that several files of the product declare and the list does not have. */
export function checkMeanings(sources: readonly Source[]): Violation[] {
  const unlisted = shared(sources).filter(([name]) => !Object.hasOwn(ONE_IDEA, name))
  return unlisted.map(([name, [{ file, line }, ...others]]) => {
    const detail = `${name} is also exported by ${others.map(other => other.file).join(', ')}`
    return { file, line, rule: 'meaning', detail }
  })
}

/** The names of the list that no longer have several declarations. */
export function unneededNames(sources: readonly Source[]): string[] {
  const names = shared(sources).map(([name]) => name)
  return Object.keys(ONE_IDEA).filter(name => !names.includes(name))
}

/** The names that several files declare, each with the first declaration of a file. */
function shared(sources: readonly Source[]): [name: string, all: [Exported, ...Exported[]]][] {
  const used = usesOf(sources)
  const product = sources.filter(({ path }) => !isTest(path))
  const declared = Map.groupBy(
    product.flatMap(exportsOf).filter(one => isReadAlone(one, used)),
    ({ name }) => name,
  )
  return [...declared].flatMap(([name, all]) => {
    const [first, ...others] = all.filter((one, at) => all.findIndex(({ file }) => file === one.file) === at)
    return first === undefined || others.length === 0 ? [] : [[name, [first, ...others]]]
  })
}

/** True for a name that stands alone where it is read: not every reader has it behind the module's name. */
function isReadAlone({ name, file }: Exported, { byName, byModule }: Uses): boolean {
  return byName.has(`${file} ${name}`) || !byModule.has(file)
}

/** The imports of all files: of names, and of whole modules. */
interface Uses {
  readonly byName: ReadonlySet<string>
  readonly byModule: ReadonlySet<string>
}

function usesOf(sources: readonly Source[]): Uses {
  const [byName, byModule] = [new Set<string>(), new Set<string>()]
  for (const source of sources)
    for (const statement of source.program.body) {
      if (statement.type !== 'ImportDeclaration') continue
      const file = resolve(source.path, statement.source.value).name
      for (const one of statement.specifiers)
        if (one.type === 'ImportSpecifier') byName.add(`${file} ${nameIn(one.imported)}`)
        else byModule.add(file)
    }
  return { byName, byModule }
}

function exportsOf(source: Source): Exported[] {
  return source.program.body.flatMap(statement => {
    const names = statement.type === 'ExportNamedDeclaration' ? namesOf(statement.declaration) : []
    return names.map(name => ({ name, file: source.path, line: source.lineOf(statement.start) }))
  })
}

function namesOf(declaration: Extract<Program['body'][number], { type: 'ExportNamedDeclaration' }>['declaration']) {
  if (declaration === null) return []
  if (declaration.type === 'VariableDeclaration')
    return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
  return 'id' in declaration && declaration.id?.type === 'Identifier' ? [declaration.id.name] : []
}

function nameIn(node: object): string {
  return String(Reflect.get(node, 'name') ?? Reflect.get(node, 'value'))
}
