/**
 * The shapes of the answers about a login.
 * A server's answer is a stranger's text: one that does not match is rejected.
 */
import { z } from 'zod'
import { SECRET_CATALOGS, SECRET_FUNCTIONS, VERIFIER_CATALOGS } from '#server/domain/checks/role/system-names.ts'
import { GLANCE_ROWS } from './glance-sql.ts'

const MAX_TEXT = 65_536
const MAX_NAME_BYTES = 63
/** The maximum number of names in a list, and of tables whose owner is exempt. */
const MAX_NAMES = 50
const MAX_TABLES = 20

const Name = z.string().refine(text => text !== '' && Buffer.byteLength(text) <= MAX_NAME_BYTES)
const Count = z.int().min(0).max(0x7fff_ffff)
const Version = z
  .string()
  .regex(/^[0-9]{5,7}$/)
  .transform(Number)
/** Superuser, BYPASSRLS, CREATEROLE, CREATEDB, REPLICATION. */
const attributes = [z.boolean(), z.boolean(), z.boolean(), z.boolean(), z.boolean()] as const
const Pair = z.tuple([Name, Name])
const Names = z.array(Pair).max(MAX_NAMES)

const Truth = z.enum(['t', 'f']).transform(text => text === 't')

/** Rows of `GLANCE_SQL`: version, login, whether the row is its own, five attributes, whether there is more. */
export const Glance = z
  .array(z.tuple([Version, Name, Truth, Truth, Truth, Truth, Truth, Truth, Truth]))
  .min(1)
  .max(GLANCE_ROWS)

/** The answer to `ROLE_FACTS_SQL`. */
export const RoleAnswer = z.strictObject({
  version: Version,
  session: Name,
  current: Name,
  roles: z.array(z.tuple([Name, ...attributes])).max(100),
  acting: z.array(z.enum(['login', 'login_here', 'database', 'server'])).max(4),
  owns_database: z.boolean(),
  owned: Count,
  unforced: Count,
  unforced_tables: z.array(Pair).max(MAX_TABLES),
  file_functions: z.array(z.string().regex(/^[a-z_]{1,63}$/)).max(20),
})

/** The answer to `RELATION_FACTS_SQL`. */
export const RelationAnswer = z.strictObject({
  views: Count,
  view_names: Names,
  functions: Count,
  function_names: Names,
  children: Count,
  child_names: Names,
  parents: Count,
  parent_names: Names,
  truncates: Count,
  triggers: Count,
  seized_names: Names,
})

/** The answer to `CODE_FACTS_SQL`. */
export const CodeAnswer = z.strictObject({ evented: Count, evented_names: Names, called: Count, called_names: Names })

/** The answer to `SECRET_FACTS_SQL`. */
export const SecretAnswer = z.strictObject({
  catalogs: z.array(z.enum([...VERIFIER_CATALOGS, ...SECRET_CATALOGS])).max(MAX_NAMES),
  functions: z.array(z.enum(SECRET_FUNCTIONS)).max(MAX_NAMES),
  servers: z.array(Name).max(MAX_NAMES),
  mappings: Count,
})

/** The answer to `PARAMETER_FACTS_SQL`: names, each with whether `alter system` is granted. */
export const ParameterAnswer = z
  .array(z.tuple([z.string().regex(/^[A-Za-z_][A-Za-z0-9_.$]{0,127}$/), z.boolean()]))
  .max(50)

/** Parses a text as JSON of a given shape; null if it does not match. */
export function readAnswer<T>(schema: z.ZodType<T>, text: string | null): T | null {
  if (text === null || text.length > MAX_TEXT) return null
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
