/**
 * The SQL that mends a role: exact statements for a person to paste, each for one thing that was found.
 *
 * A fix takes nothing from anybody else: where a statement would, it says so before. There is no password in any of it.
 */

import type { Provider } from '#server/domain/checks/provider.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { paste } from './paste.ts'
import { newRoleName, roleSql } from './role-sql.ts'

/** Whose role is to be mended, and where. */
export interface MendedRole {
  /** The role's name inside the database. */
  readonly login: string
  readonly provider: Provider
  readonly database: string
  /** The schema that the role should use, where it exists; null otherwise. */
  readonly schema: string | null
  readonly serverVersionNum: number
}

/** Gives the SQL of another role, which passes, to the first item that asks for it; the others are referred to that. */
export type NewRole = (item: string, notes?: readonly string[]) => string

/**
 * The one fix that helps whatever is wrong with this role, and at every provider: a role for the platform alone.
 * A checklist holds its SQL once, since a second run would stop where the role exists.
 */
export function newRoleOnce(subject: MendedRole): NewRole {
  let first: string | null = null
  return (item, notes = []) => {
    if (first !== null) {
      const also = `The new role that the fix of ${first} makes passes here as well.`
      return [...notes, also].map(line => `-- ${line}`).join('\n')
    }
    first = item
    return replaceRole(subject, notes)
  }
}

function replaceRole({ login, provider, database, schema }: MendedRole, notes: readonly string[]): string {
  const name = newRoleName({ readOnly: true, database })
  const role = login === name ? `${name}_2` : name
  return roleSql({ provider, database, schema, readOnly: true, role }, [
    ...notes,
    'Make a role for the platform alone, and register again with its name and password. It may read only: where the',
    'platform writes, grant insert, update and delete as well.',
  ])
}

/** Takes an attribute of the role's own away; null at providers, which keep that for themselves. */
export function takeAttribute(subject: MendedRole, attribute: Attribute): string | null {
  if (subject.provider !== 'plain') return null
  return paste(
    [`Needs a superuser. Whatever else logs in as this role loses ${attribute.toUpperCase()} too: ${ALTERNATIVE}`],
    `alter role ${quoteName(subject.login)} no${attribute};`,
  )
}

type Attribute = 'bypassrls' | 'replication' | 'createrole'
const ALTERNATIVE = 'if something does, make a role for the platform alone instead (role-sql prints its SQL).'
