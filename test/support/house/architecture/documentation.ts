/**
 * Required documentation: the purpose of a file, the contract of each export, the reason for a cast.
 *
 * A rule about documentation that nothing enforces decays; these are the parts that a program can check.
 */
import { type Comment, type Program, Visitor } from 'oxc-parser'
import { isTest, isTestFile, type Source, type Violation } from './source.ts'

const HEADER_LINES = { least: 2, most: 6 }

/** Reports missing headers and docstrings, casts without a reason, and forbidden words in a comment. */
export function checkDocumentation(source: Source): Violation[] {
  return [...header(source), ...docstrings(source), ...casts(source), ...remarks(source)]
}

function header(source: Source): Violation[] {
  const violation = (detail: string): Violation[] => [{ file: source.path, line: 1, rule: 'header', detail }]
  const start = source.text.startsWith('#!') ? source.text.indexOf('\n') + 1 : 0
  const first = source.comments[0]
  if (first === undefined || first.start !== start || !isDocstring(first))
    return violation('the file does not open with /** what it is, what it must never do, who calls it */')
  const lines = first.value.split('\n')
  const worded = lines.filter(line => /[^\s*]/.test(line)).length
  const least = isTestFile(source.path) ? 1 : HEADER_LINES.least
  if (lines.length >= least && worded <= HEADER_LINES.most) return []
  return violation(`${worded} lines, where ${least} to ${HEADER_LINES.most} are asked for`)
}

function docstrings(source: Source): Violation[] {
  // The first overload carries the docstring.
  const seen = new Set<string>()
  return source.program.body.flatMap(statement => {
    const name = exportedName(statement)
    if (name === null || seen.has(name)) return []
    seen.add(name)
    if (hasDocstring(source, statement.start)) return []
    return [{ file: source.path, line: source.lineOf(statement.start), rule: 'docstring', detail: `${name} has none` }]
  })
}

function exportedName(statement: Program['body'][number]): string | null {
  if (statement.type !== 'ExportNamedDeclaration' || statement.declaration === null) return null
  const { declaration } = statement
  if (declaration.type !== 'VariableDeclaration')
    return 'id' in declaration && declaration.id?.type === 'Identifier' ? declaration.id.name : null
  const id = declaration.declarations[0]?.id
  return id?.type === 'Identifier' ? id.name : 'a pattern'
}

function hasDocstring(source: Source, start: number): boolean {
  // The first comment is the file's header, whatever follows it.
  return source.comments.slice(1).some(comment => {
    return isDocstring(comment) && comment.end <= start && source.text.slice(comment.end, start).trim() === ''
  })
}

function isDocstring(comment: Comment): boolean {
  return comment.type === 'Block' && comment.value.startsWith('*')
}

function casts(source: Source): Violation[] {
  const found: Violation[] = []
  // The tests intentionally build values that the types forbid.
  if (isTest(source.path)) return found
  const report = (start: number, detail: string): void => {
    found.push({ file: source.path, line: source.lineOf(start), rule: 'cast', detail })
  }
  // A header or a docstring describes a thing; it does not justify a cast.
  const reasons = source.comments.filter(comment => !isDocstring(comment))
  const ends = reasons.map(comment => source.lineOf(comment.end - 1))
  new Visitor({
    TSTypeAssertion: node => report(node.start, '<T>value'),
    TSNonNullExpression: node => report(node.end - 1, 'non-null !'),
    TSAsExpression: node => {
      const { typeAnnotation: type } = node
      const isConst =
        type.type === 'TSTypeReference' && type.typeName.type === 'Identifier' && type.typeName.name === 'const'
      const from = source.lineOf(node.start) - 1
      const to = source.lineOf(type.start)
      if (!isConst && !ends.some(line => line >= from && line <= to))
        report(type.start, '`as` without a reason beside it')
    },
  }).visit(source.program)
  return found
}

function remarks(source: Source): Violation[] {
  const forbidden = isTest(source.path)
    ? /@ts-(ignore|nocheck)/
    : /@ts-(ignore|nocheck|expect-error)|\b(TODO|FIXME|XXX)\b/
  return source.comments.flatMap(comment => {
    const word = comment.value.match(forbidden)?.[0]
    if (word === undefined) return []
    return [{ file: source.path, line: source.lineOf(comment.start), rule: 'comment', detail: word }]
  })
}
