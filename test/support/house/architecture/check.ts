/**
 * All rules of the architecture, applied to a set of sources. `test/house/architecture.test.ts` runs it on the
 * repository, and on snippets that break each rule.
 */
import { checkArrows } from './arrows.ts'
import { checkBudgets } from './budgets.ts'
import { checkCarrier } from './carrier.ts'
import { checkDocumentation } from './documentation.ts'
import { checkEnglish } from './english.ts'
import { checkCycles, checkWalls } from './graph.ts'
import { checkSpecifiers } from './imports.ts'
import { checkLanguage } from './language.ts'
import { checkMeanings } from './meanings.ts'
import { checkNames } from './names.ts'
import { checkOwnership } from './ownership.ts'
import { checkFolders, checkRooms } from './rooms.ts'
import type { Source, Violation } from './source.ts'

const EACH = [
  checkArrows,
  checkRooms,
  checkBudgets,
  checkCarrier,
  checkDocumentation,
  checkEnglish,
  checkLanguage,
  checkNames,
  checkOwnership,
  checkSpecifiers,
]

/** Reports every violation, sorted by file and line. */
export function check(sources: readonly Source[]): Violation[] {
  const found = [
    ...sources.flatMap(source => EACH.flatMap(rule => rule(source))),
    ...checkCycles(sources),
    ...checkWalls(sources),
    ...checkFolders(sources),
    ...checkMeanings(sources),
  ]
  return found.toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
}
