/**
 * What a person does about a dial that failed: the sentence of the failure table and, where SQL mends it, that SQL.
 *
 * Only names of the caller's own connection string are put into it, quoted. Called by `dial-checks.ts`.
 */

import { PASSWORD_PLACEHOLDER } from '#server/domain/checks/role/role-sql.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { type FailureCode, failureSpec } from '#shared/faults/failure.ts'

/** Which login was tried: the role's name inside the database, and the database. */
export interface TriedLogin {
  readonly login: string
  readonly database: string
}

type Statements = (role: string, database: string) => readonly string[]

const newPassword: Statements = role => [`alter role ${role} password '${PASSWORD_PLACEHOLDER}';`]
// A password is hashed when it is set: it has to be set once more after the method has changed.
const scramPassword: Statements = role => ["set password_encryption = 'scram-sha-256';", ...newPassword(role, '')]

const STATEMENTS: Readonly<Partial<Record<FailureCode, Statements>>> = {
  password_refused: newPassword,
  login_refused: role => [`alter role ${role} login;`],
  password_exposed: scramPassword,
  server_unverified: scramPassword,
  password_under_named_ca: scramPassword,
  server_not_proven: scramPassword,
  authentication_method: scramPassword,
  scram_iterations: role => ['set scram_iterations = 4096;', ...scramPassword(role, '')],
  connect_denied: (role, database) => [`grant connect on database ${database} to ${role};`],
}

/** The fix of a failure. SQL, where there is any, stands in lines of its own below the sentence. */
export function dialFix(code: FailureCode, { login, database }: TriedLogin): string {
  const statements = STATEMENTS[code]?.(quoteName(login), quoteName(database)) ?? []
  // The table's sentence for a denied connection is the statement itself with dots for the names.
  return code === 'connect_denied' ? statements.join('\n') : [failureSpec(code).fix, ...statements].join('\n')
}
