/**
 * Checks statements by their syntax tree: a statement reads one organization's rows of a tenant's table, selected by a
 * parameter or by rows that were selected so, or it is reported. A written row names its organization.
 */
import { parseSync } from 'libpg-query'

type Node = Readonly<Record<string, unknown>>

/** The tenants' tables, each with the column of a row's organization. */
export type TenantTables = ReadonlyMap<string, string>

/** A range item of a query: rows of a tenant's table, of a separately checked query, or of something else. */
interface Item {
  readonly table: string | null
  isBound: boolean
  /** Items with the same organization, by an equality. */
  readonly same: Item[]
}

interface Scope {
  readonly items: Map<string, Item>
  readonly outer: Scope | null
  readonly queries: ReadonlySet<string>
}

/**
 * The errors of a statement: tables from which it reads any organization's rows, `locks` if it locks them. Empty: none.
 */
export function unboundTables(text: string, tenants: TenantTables): string[] {
  const found: string[] = []
  const check = new Judge(tenants, found)
  for (const { stmt } of listOf(parseSync(text), 'stmts')) check.query(nodeOf(stmt), null, new Set())
  return [...new Set(found)].sort()
}

class Judge {
  readonly #tenants: TenantTables
  readonly #found: string[]

  constructor(tenants: TenantTables, found: string[]) {
    this.#tenants = tenants
    this.#found = found
  }

  /** A statement, or a query within one. */
  query(wrapped: Node, outer: Scope | null, known: ReadonlySet<string>): void {
    const [kind = '', inner] = Object.entries(wrapped)[0] ?? []
    const query = nodeOf(kind.endsWith('Stmt') ? inner : wrapped)
    const queries = new Set(known)
    for (const one of listOf(query['withClause'], 'ctes')) {
      const { ctename, ctequery } = nodeOf(one['CommonTableExpr'])
      queries.add(String(ctename))
      this.query(nodeOf(ctequery), outer, queries)
    }
    for (const side of ['larg', 'rarg']) if (query[side] !== undefined) this.query(nodeOf(query[side]), outer, queries)
    this.#judge(query, { items: new Map(), outer, queries }, kind === 'InsertStmt')
  }

  #judge(query: Node, scope: Scope, isInsert: boolean): void {
    const conditions: unknown[] = [query['whereClause']]
    if (!isInsert && query['relation'] !== undefined) this.#add({ RangeVar: query['relation'] }, scope, conditions)
    for (const clause of ['fromClause', 'usingClause'])
      for (const one of listOf(query, clause)) this.#add(one, scope, conditions)
    if (isInsert && query['selectStmt'] !== undefined) this.query(nodeOf(query['selectStmt']), scope, scope.queries)
    for (const condition of conditions) this.#equalities(condition, scope)
    const { withClause: _, larg: __, rarg: ___, fromClause: ____, selectStmt: _____, ...rest } = query
    this.#within(rest, scope)
    for (const condition of conditions) this.#within(condition, scope)
    const unbound = [...scope.items.values()].filter(item => item.table !== null && !isBound(item))
    this.#found.push(...unbound.map(item => String(item.table)))
    if (unbound.length > 0 && listOf(query, 'lockingClause').length > 0) this.#found.push('locks')
    if (isInsert) this.#inserted(query)
  }

  /** An insert names the organization of the row. */
  #inserted(query: Node): void {
    const table = String(nodeOf(query['relation'])['relname'])
    const column = this.#tenants.get(table)
    const columns = listOf(query, 'cols').map(one => nodeOf(one['ResTarget'])['name'])
    if (column !== undefined && !columns.includes(column)) this.#found.push(table)
  }

  #add(item: Node, scope: Scope, conditions: unknown[]): void {
    const [kind, inner] = Object.entries(item)[0] ?? []
    const node = nodeOf(inner)
    if (kind === 'JoinExpr') {
      for (const side of ['larg', 'rarg']) this.#add(nodeOf(node[side]), scope, conditions)
      conditions.push(node['quals'])
      return
    }
    const alias = nodeOf(node['alias'] ?? {})['aliasname']
    const name = String(node['relname'] ?? '')
    const isTenants = kind === 'RangeVar' && !scope.queries.has(name) && this.#tenants.has(name)
    scope.items.set(String(alias ?? name), { table: isTenants ? name : null, isBound: !isTenants, same: [] })
    if (kind === 'RangeSubselect') this.query(nodeOf(node['subquery']), scope, scope.queries)
    if (kind === 'RangeFunction') this.#within(node, scope)
  }

  /** The expressions that a conjunction equates with the organization's column. */
  #equalities(condition: unknown, scope: Scope): void {
    const node = nodeOf(condition ?? {})
    const both = nodeOf(node['BoolExpr'] ?? {})
    if (both['boolop'] === 'AND_EXPR') for (const one of listOf(both, 'args')) this.#equalities(one, scope)
    const link = nodeOf(node['SubLink'] ?? {})
    // `(org_id, id) in (select …)`: the inner query is checked separately.
    if (link['subLinkType'] === 'ANY_SUBLINK') this.#bindAll(link['testexpr'], scope)
    const test = nodeOf(node['A_Expr'] ?? {})
    const isEqual = nodeOf(nodeOf(listOf(test, 'name')[0] ?? {})['String'] ?? {})['sval'] === '='
    if (!isEqual || !['AEXPR_OP', 'AEXPR_OP_ANY', 'AEXPR_IN'].includes(String(test['kind']))) return
    this.#equate(test['lexpr'], test['rexpr'], scope)
    this.#equate(test['rexpr'], test['lexpr'], scope)
  }

  #bindAll(expression: unknown, scope: Scope): void {
    const row = listOf(nodeOf(nodeOf(expression ?? {})['RowExpr'] ?? {}), 'args')
    for (const one of [...row, nodeOf(expression ?? {})]) {
      const item = this.#owner(one, scope)
      if (item !== null) item.isBound = true
    }
  }

  #equate(column: unknown, other: unknown, scope: Scope): void {
    const item = this.#owner(column, scope)
    if (item === null) return
    const twin = this.#owner(other, scope)
    if (twin !== null) {
      item.same.push(twin)
      twin.same.push(item)
    } else if (this.#isGiven(other, scope)) item.isBound = true
  }

  /** The item of this query whose owner an expression names; null for any other expression. */
  #owner(expression: unknown, scope: Scope): Item | null {
    const fields = listOf(nodeOf(nodeOf(expression ?? {})['ColumnRef'] ?? {}), 'fields')
    const names = fields.map(field => String(nodeOf(field['String'] ?? {})['sval']))
    const column = names.at(-1)
    const candidates = names.length > 1 ? [scope.items.get(String(names.at(-2)))] : [...scope.items.values()]
    const isOwners = (item: Item | undefined) =>
      item !== undefined && item.table !== null && this.#tenants.get(item.table) === column
    return candidates.find(isOwners) ?? null
  }

  /** A parameter, a constant, the result of a separately checked query, or a row of the enclosing query. */
  #isGiven(expression: unknown, scope: Scope): boolean {
    const node = nodeOf(expression ?? {})
    if ('TypeCast' in node) return this.#isGiven(nodeOf(node['TypeCast'])['arg'], scope)
    if ('ColumnRef' in node) {
      const fields = listOf(nodeOf(node['ColumnRef']), 'fields')
      const [first = ''] = fields.map(field => String(nodeOf(field['String'] ?? {})['sval']))
      if (fields.length === 1) return true
      return scope.items.get(first)?.table === null || isAround(scope.outer, first)
    }
    return ['ParamRef', 'A_Const', 'SubLink', 'FuncCall', 'A_ArrayExpr', 'List'].some(kind => kind in node)
  }

  /** Checks the queries inside an expression. */
  #within(value: unknown, scope: Scope): void {
    if (Array.isArray(value)) for (const one of value) this.#within(one, scope)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'subselect') this.query(nodeOf(inner), scope, scope.queries)
      else this.#within(inner, scope)
    }
  }
}

function isAround(scope: Scope | null, alias: string): boolean {
  return scope !== null && (scope.items.has(alias) || isAround(scope.outer, alias))
}

function isBound(item: Item, seen: Set<Item> = new Set()): boolean {
  if (seen.has(item)) return false
  seen.add(item)
  return item.isBound || item.same.some(twin => isBound(twin, seen))
}

// Sound: the parser returns plain objects and lists of them.
function nodeOf(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {}
}

function listOf(value: unknown, key: string): Node[] {
  const list = nodeOf(value)[key]
  return Array.isArray(list) ? list.map(nodeOf) : []
}
