/**
 * The shapes of the rows added by format 2 of snapshots: rare properties of relations, and objects other than
 * relations.
 *
 * Each string and list has a bound, as in `catalog-shapes.ts`, the only file that parses rows with them.
 */
import { z } from 'zod'
import { list, shortText, wholeNumber, type wireBounds } from './catalog-bounds.ts'

type Bounds = ReturnType<typeof wireBounds>

const number = wholeNumber(-100, 1_600)
const numbers = list(number, 'maxColumns')
const id = shortText(10)
/** A PostgreSQL `bigint`, as text. */
const bigint = shortText(20)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const enabled = z.enum(['O', 'D', 'R', 'A'])

/** Rows that belong to a relation. */
export function traitRows({ name, type, text, byNumber }: Bounds) {
  const relationName = z.object({ schema: name, name })
  const options = list(text, 'maxParts')
  return [
    z.object({
      k: z.literal('traits'),
      id,
      unlogged: z.boolean(),
      identity: z.enum(['d', 'f', 'n', 'i']),
      index: name.nullable(),
      parents: list(relationName, 'maxParts').nullable(),
      bound: text.nullable(),
      options: options.nullable(),
      columnOptions: byNumber(options).nullable(),
      ofType: type.nullable(),
      storage: text.nullable(),
    }),
    z.object({
      k: z.literal('partition'),
      id,
      name: type,
      of: type.nullable(),
      bound: text.nullable(),
      key: text.nullable(),
      unlogged: z.boolean(),
      server: name.nullable(),
      options: options.nullable(),
      own: list(ownPart({ name, text }), 'maxParts').nullable(),
    }),
    ...partRows({ name, type, text, byNumber }),
  ] as const
}

/** The properties of a partition that do not come from its table; the name is empty for a property that occurs once. */
function ownPart({ name, text }: Pick<Bounds, 'name' | 'text'>) {
  const kinds = ['constraint', 'index', 'trigger', 'policy', 'rule', 'default', 'not null', 'publication'] as const
  const kind = z.enum([...kinds, 'comment', 'storage', 'replica identity', 'row security'])
  return z.object({ kind, name, definition: text.nullable() })
}

function partRows({ name, type, text, byNumber }: Bounds) {
  return [
    z.object({
      ...{ k: z.literal('identity'), id, number, start: bigint, increment: bigint, min: bigint, max: bigint },
      ...{ cache: bigint, cycle: z.boolean() },
    }),
    z.object({ k: z.literal('triggers'), id, triggers: list(trigger({ name, type }), 'maxParts') }),
    z.object({
      k: z.literal('rules'),
      id,
      rules: list(
        z.object({
          name,
          event: z.enum(['1', '2', '3', '4']),
          instead: z.boolean(),
          enabled,
          definition: text.nullable(),
        }),
        'maxParts',
      ),
    }),
    z.object({
      k: z.literal('published'),
      id,
      publications: list(z.object({ name, numbers: numbers.nullable(), filter: text.nullable() }), 'maxParts'),
    }),
    z.object({ k: z.literal('weak'), id, unvalidated: numbers.nullable(), below: numbers.nullable() }),
    z.object({ k: z.literal('notNullNames'), id, names: byNumber(name) }),
    z.object({
      ...{ k: z.literal('remark'), id, name, text },
      of: z.enum(['constraint', 'index', 'trigger', 'policy', 'rule']),
    }),
    z.object({
      k: z.literal('inherited'),
      id,
      constraints: list(name, 'maxParts').nullable(),
      indexes: list(name, 'maxParts').nullable(),
    }),
  ] as const
}

function trigger({ name, type }: Pick<Bounds, 'name' | 'type'>) {
  return z.object({
    name,
    /** Bits, as in `pg_trigger.tgtype`. */
    type: z.number().int().min(0).max(127),
    enabled,
    function: type,
    numbers: numbers.nullable(),
    constraint: z.boolean(),
    deferrable: z.boolean(),
    deferred: z.boolean(),
    detail: hash.nullable(),
  })
}

/** Rows of types, functions, publications and servers. */
export function databaseRows({ name, type, text }: Bounds) {
  return [
    z.object({
      ...{ k: z.literal('composite'), schema: name, name: type, comment: text.nullable() },
      attributes: list(z.object({ name, type, collation: type.nullable() }), 'maxColumns').nullable(),
    }),
    z.object({
      ...{ k: z.literal('range'), schema: name, name: type, type, collation: type.nullable(), class: type.nullable() },
      ...{
        canonical: type.nullable(),
        difference: type.nullable(),
        multirange: type.nullable(),
        comment: text.nullable(),
      },
    }),
    z.object({
      ...{ k: z.literal('function'), schema: name, name, kind: z.enum(['f', 'p', 'a', 'w']), identity: text },
      ...{ arguments: text, result: text.nullable(), language: name, volatility: z.enum(['i', 's', 'v']) },
      ...{ definer: z.boolean(), strict: z.boolean(), path: text.nullable(), body: hash, may: z.boolean() },
      ...{ leakproof: z.boolean(), parallel: z.enum(['s', 'r', 'u']), set: hash.nullable(), comment: text.nullable() },
    }),
    z.object({
      ...{ k: z.literal('publication'), name, all: z.boolean(), insert: z.boolean(), update: z.boolean() },
      ...{ delete: z.boolean(), truncate: z.boolean(), root: z.boolean(), generated: z.boolean() },
      schemas: list(name, 'maxParts').nullable(),
    }),
    z.object({ k: z.literal('server'), name, wrapper: name, extension: name.nullable(), handled: z.boolean() }),
  ] as const
}

/** The row of an object that snapshots do not model. */
export function otherRow({ name, type, text }: Bounds) {
  const k = z.literal('other')
  return z.object({ k, schema: name.nullable(), name: type, definition: text.nullable(), hash: hash.nullable() })
}

/** The row of an extension's object. */
export function memberRow({ name, type }: Bounds) {
  return z.object({
    k: z.literal('member'),
    extension: name,
    of: z.enum(['relation', 'type']),
    schema: name,
    name: type,
  })
}
