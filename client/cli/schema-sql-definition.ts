/**
 * The forms in which PostgreSQL itself prints constraints, indexes, views and partition keys. Text in any other form is
 * `unfit`.
 */
import { fitting, isOne, NAME, NAMES, outline, whole } from './schema-sql-outline.ts'
import { unfit } from './schema-sql-text.ts'
import { joinTokens, solid, type Token, tokens } from './schema-sql-token.ts'

const FORMS = {
  partition: whole('(?:RANGE|LIST|HASH) \\(\\)'),
  bound: whole('(?:DEFAULT|FOR VALUES (?:FROM \\(\\) TO \\(\\)|IN \\(\\)|WITH \\(\\)))'),
  rule: whole(`CREATE RULE ${NAME} AS ON (?:SELECT|INSERT|UPDATE|DELETE) TO ${NAMES}(?: WHERE .+)? DO (?:INSTEAD )?.+`),
  query: whole('(?:SELECT|WITH|VALUES|TABLE|\\(\\)).*'),
  index: whole(
    `CREATE(?: UNIQUE)? INDEX ${NAME} ON(?: ONLY)? ${NAMES} USING ${NAME} \\(\\)(?: INCLUDE \\(\\))?(?: NULLS (?:NOT )?DISTINCT)?(?: WITH \\(\\))?(?: TABLESPACE ${NAME})?(?: WHERE .+)?`,
  ),
} as const

const DEFERRABLE = '(?: DEFERRABLE)?(?: INITIALLY DEFERRED)?'
const LATER = '(?: NOT VALID)?(?: NOT ENFORCED)?'
const KEY = `(?: NULLS NOT DISTINCT)? \\(\\)(?: INCLUDE \\(\\))?(?: WITH \\(\\))?${DEFERRABLE}`
const ACTION = '(?: ON (?:UPDATE|DELETE) (?:NO ACTION|RESTRICT|CASCADE|SET NULL|SET DEFAULT)(?: \\(\\))?)'

const CONSTRAINTS = {
  check: whole(`CHECK \\(\\)(?: NO INHERIT)?${LATER}`),
  primary_key: whole(`PRIMARY KEY${KEY}`),
  unique: whole(`UNIQUE${KEY}`),
  foreign_key: whole(
    `FOREIGN KEY \\(\\) REFERENCES (?:ONLY )?${NAMES} \\(\\)(?: MATCH (?:FULL|PARTIAL|SIMPLE))?${ACTION}*${DEFERRABLE}${LATER}`,
  ),
  exclusion: whole(
    `EXCLUDE(?: USING ${NAME})? \\(\\)(?: INCLUDE \\(\\))?(?: WITH \\(\\))?(?: WHERE \\(\\))?${DEFERRABLE}`,
  ),
} as const

/** Returns a constraint of the given kind, from `CHECK` or the like to its last clause. */
export function constraintClause(kind: keyof typeof CONSTRAINTS, text: string): string {
  return fitting(tokens(text), CONSTRAINTS[kind], text)
}

/** Returns the partition key of a table. */
export function partitionText(text: string): string {
  return fitting(tokens(text), FORMS.partition, text)
}

/** Returns the bounds of a partition. */
export function boundText(text: string): string {
  return fitting(tokens(text), FORMS.bound, text)
}

/** Removes the ONLY that directly follows the first ON. */
function withoutOnly(read: Token[] | null, isWhole: boolean): Token[] | null {
  const on = read?.findIndex(({ kind, value }) => kind === 'word' && value === 'on') ?? -1
  const only = read?.[on + 2]
  if (read === null || !isWhole || on < 0 || only?.kind !== 'word' || only.value !== 'only') return read
  return [...read.slice(0, on + 1), ...read.slice(on + 3)]
}

/** Returns the statement that creates a rule with the given name. */
export function ruleText(text: string, name: string): string {
  const statement = text.replace(/;$/, '')
  const read = tokens(statement, 'rule')
  const named = read === null ? undefined : solid(read)[2]
  return named?.value === name ? fitting(read, FORMS.rule, statement) : unfit(text)
}

/** Returns the query of a view. */
export function queryText(text: string): string {
  const read = tokens(text.replace(/;$/, ''))
  const isInto = read?.some(({ kind, value }) => kind === 'word' && value === 'into') === true
  return isInto ? unfit(text) : fitting(read, FORMS.query, text)
}

/** Returns the options of a view: `security_barrier=true, security_invoker=true`. */
export function optionsText(text: string): string {
  return text.split(', ').every(one => /^[a-z_]+=[a-z]+$/.test(one)) ? text : unfit(text)
}

/**
 * Returns the statement that creates an index with the given name on the relation. `isWhole` includes its partitions:
 * PostgreSQL prints an index of a partitioned table with ONLY.
 */
export function indexText(
  text: string,
  names: readonly [schema: string, relation: string, index: string],
  isWhole = false,
): string {
  const read = withoutOnly(tokens(text), isWhole)
  if (read === null || !FORMS.index.test(outline(read))) return unfit(text)
  const words = solid(read)
  const after = (word: string) => words.findIndex(({ kind, value }) => kind === 'word' && value === word) + 1
  const [name, on] = [words[after('index')], words.slice(after('on'))]
  const at = on[0]?.kind === 'word' && on[0].value === 'only' ? 1 : 0
  const [schema, relation, index] = names
  const isMeant = name?.value === index && on[at]?.value === schema && on[at + 2]?.value === relation
  return isMeant && isOne(read) ? joinTokens(read) : unfit(text)
}
