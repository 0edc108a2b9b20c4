/**
 * The SQL that fixes a role: exact statements for a person to paste, each for one finding.
 *
 * A fix takes nothing from anyone else: if a statement would, a note says so first. No fix contains a password.
 */

import type { Provider } from '#server/domain/checks/provider.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { paste } from './pasted-sql.ts'
import { newRoleName, roleSql } from './role-sql.ts'

/** The role to fix, and its database. */
export interface MendedRole {
  /** The role's name inside the database. */
  readonly login: string
  readonly provider: Provider
  readonly database: string
  /** The schema that the role should use, if it exists; null otherwise. */
  readonly schema: string | null
  readonly serverVersionNum: number
}

/**
 * Gives the SQL of a passing replacement role to the first item that asks for it, and refers the others to that item.
 */
export type NewRole = (item: string, notes?: readonly string[]) => string

/**
 * The one fix that works for any defect and at every provider: a role used only by the platform. A checklist contains
 * its SQL once, since a second run would stop because the role exists.
 */
export function newRoleOnce(subject: MendedRole): NewRole {
  let first: string | null = null
  return (item, notes = []) => {
    if (first !== null) {
      const also = `The new role from the fix for ${first} passes here as well.`
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
    'Create a role only for the platform, and register again with its name and password. It can only read: if the',
    'platform writes, grant insert, update and delete as well.',
  ])
}

/** Removes an attribute from the role itself; null at providers that reserve this for themselves. */
export function takeAttribute(subject: MendedRole, attribute: Attribute): string | null {
  if (subject.provider !== 'plain') return null
  return paste(
    [
      `Needs a superuser. Everything else that logs in as this role loses ${attribute.toUpperCase()} too: ${ALTERNATIVE}`,
    ],
    `alter role ${quoteName(subject.login)} no${attribute};`,
  )
}

type Attribute = 'bypassrls' | 'replication' | 'createrole'
const ALTERNATIVE = 'if anything does, create a role only for the platform instead (role-sql prints its SQL).'
