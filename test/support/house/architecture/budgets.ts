/**
 * Sizes: lines of a file and of a function, parameters, exported values.
 *
 * The tail makes code hard to read, not the average: so these are limits, not targets.
 */
import { type Program, Visitor } from 'oxc-parser'
import { isTest, isTestFile, type Source, type Violation } from './source.ts'

const FILE_LINES = 250
// The tables that are long because they are complete.
const LONGER: Readonly<Record<string, number>> = {
  // Generated.
  'server/store/tables/tables.ts': 500,
  'server/rest/guide/guide-text.ts': 700,
  'shared/faults/fault.ts': 400,
  'shared/faults/failure.ts': 400,
}
// A test file tells one story from beginning to end, and each of its titles is a sentence.
const TEST_FILE_LINES = 400
const FUNCTION_LINES = 40
const PARAMETERS = 3
const EXPORTED_VALUES = 8

/** Reports every excess. */
export function checkBudgets(source: Source): Violation[] {
  return [...fileLines(source), ...functions(source), ...exportedValues(source)]
}

function fileLines(source: Source): Violation[] {
  const lines = source.text.replace(/\n$/, '').split('\n').length
  const limit = isTestFile(source.path) ? TEST_FILE_LINES : (LONGER[source.path] ?? FILE_LINES)
  return lines <= limit ? [] : [{ ...at(source, 0), rule: 'file-lines', detail: `${lines} lines, at most ${limit}` }]
}

interface FunctionNode {
  readonly start: number
  readonly end: number
  readonly params: readonly { readonly type: string; readonly name?: unknown }[]
}

function functions(source: Source): Violation[] {
  const found: Violation[] = []
  const visit = (node: FunctionNode): void => {
    const lines = source.text
      .slice(node.start, node.end)
      .split('\n')
      .filter(line => line.trim() !== '').length
    // The callbacks of `describe` and `it` are the file, not functions in the sense of the rule.
    if (lines > FUNCTION_LINES && !isTestFile(source.path))
      found.push({
        ...at(source, node.start),
        rule: 'function-lines',
        detail: `${lines} lines, at most ${FUNCTION_LINES}`,
      })
    const count = node.params.filter(parameter => parameter.name !== 'this').length
    if (count > PARAMETERS && !isExcused(source, node.start))
      found.push({ ...at(source, node.start), rule: 'parameters', detail: `${count}: take one named object` })
  }
  new Visitor({
    FunctionDeclaration: visit,
    FunctionExpression: visit,
    ArrowFunctionExpression: visit,
    TSDeclareFunction: visit,
    TSFunctionType: visit,
    TSMethodSignature: visit,
  }).visit(source.program)
  return found
}

/** The linter has the same rule: its exemption, with a reason, covers parameters that a library fixes. */
function isExcused(source: Source, start: number): boolean {
  const above = source.comments.filter(comment => source.lineOf(comment.end - 1) === source.lineOf(start) - 1)
  return above.some(comment => /biome-ignore lint\/complexity\/useMaxParams: \S/.test(comment.value))
}

function exportedValues(source: Source): Violation[] {
  if (isTest(source.path)) return []
  const exported = source.program.body.map(namesIn)
  // A schema with the name of a type counts as the type: it is that type at run time.
  const types = new Set(exported.flatMap(names => names.types))
  const count = exported.flatMap(names => names.values).filter(name => !types.has(name)).length
  const detail = `${count} exported values, at most ${EXPORTED_VALUES}`
  return count <= EXPORTED_VALUES ? [] : [{ ...at(source, 0), rule: 'exports', detail }]
}

function namesIn(statement: Program['body'][number]): { types: string[]; values: string[] } {
  const types: string[] = []
  const values: string[] = []
  if (statement.type !== 'ExportNamedDeclaration') return { types, values }
  const { declaration, specifiers, exportKind } = statement
  for (const { exported } of specifiers.filter(one => exportKind !== 'type' && one.exportKind !== 'type'))
    values.push('name' in exported ? exported.name : exported.value)
  if (declaration?.type === 'VariableDeclaration')
    for (const { id } of declaration.declarations) values.push(id.type === 'Identifier' ? id.name : '')
  else if (declaration !== null && 'id' in declaration && declaration.id?.type === 'Identifier')
    (exportKind === 'type' || declaration.type.startsWith('TS') ? types : values).push(declaration.id.name)
  return { types, values }
}

function at(source: Source, offset: number): { file: string; line: number } {
  return { file: source.path, line: source.lineOf(offset) }
}
