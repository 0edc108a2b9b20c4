/** Drift between two snapshots: its changes, their classes, and its completeness. */
import { describe, expect, it } from 'vitest'
import { type Change, covers, drift } from '#shared/schemas/drift/drift.ts'
import { applyDrift } from '#shared/schemas/drift/drift-apply.ts'
import { restrictedTo } from '#shared/schemas/drift/drift-formats.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { canonicalText } from '#shared/schemas/snapshot-canonical.ts'
import { fc } from '#test/support/house/properties.ts'
import { anySnapshot, oneTable, snapshot } from '#test/support/schemas/snapshots.ts'

const id = { name: 'id', type: 'integer', notNull: true }
const note = { name: 'note', type: 'text' }

/** The content of a snapshot, without its request. */
function content(value: Snapshot): string {
  const { extensions, schemas, publications, servers } = value
  return canonicalText(snapshot({ version: 2, extensions, schemas, publications, servers }))
}

function mirrored(change: Change): Omit<Change, 'class' | 'reason'> {
  const { class: _, reason: __, before, after, with: carried, ...rest } = change
  const kind = { added: 'removed', removed: 'added', changed: 'changed' } as const
  return {
    ...rest,
    kind: kind[change.kind],
    ...(after === undefined ? {} : { before: after }),
    ...(before === undefined ? {} : { after: before }),
    ...(carried === undefined
      ? {}
      : { with: carried.map(({ object, path, ...one }) => ({ object, path, ...swapped(one) })) }),
  }
}

function swapped(sides: { before?: unknown; after?: unknown }) {
  return sides.after === undefined ? { after: sides.before } : { before: sides.after }
}

function unjudged(change: Change): Omit<Change, 'class' | 'reason'> {
  const { class: _, reason: __, ...rest } = change
  return rest
}

/** The same snapshot, of which no object is taken for identical to another: one that has nothing under a name is not. */
function takenApart<T>(value: T): T {
  if (Array.isArray(value)) return value.map(takenApart) as T // an array of the same
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).map(([name, part]) => [name, takenApart(part)])
  return { ...Object.fromEntries(parts), nothing: undefined } as T // with all that it had
}

describe('drift, for any snapshots', () => {
  it('tells the same, byte for byte, where identical objects are passed over and where each is taken apart', () => {
    const changed = (a: Snapshot, b: Snapshot) => JSON.stringify(drift(a, b))
    fc.assert(
      fc.property(anySnapshot(), anySnapshot(), (a, b) => {
        expect(changed(a, b)).toBe(changed(takenApart(a), takenApart(b)))
        expect(changed(a, { ...a, schemas: [...b.schemas, ...a.schemas] })).toBe(
          changed(takenApart(a), takenApart({ ...a, schemas: [...b.schemas, ...a.schemas] })),
        )
      }),
    )
  })

  it('is empty between a snapshot and itself', () => {
    fc.assert(fc.property(anySnapshot(), value => drift(value, value).length === 0))
  })

  it('is empty exactly when the covered content is the same', () => {
    fc.assert(
      fc.property(anySnapshot(), anySnapshot(), (a, b) => {
        expect(drift(a, b).length === 0).toBe(content(restrictedTo(a, b)) === content(restrictedTo(b, a)))
      }),
    )
  })

  it('yields the later snapshot when it is applied to the earlier one', () => {
    fc.assert(
      fc.property(anySnapshot({ whole: true }), anySnapshot({ whole: true }), (a, b) => {
        expect(content(applyDrift(a, drift(a, b)))).toBe(content(b))
      }),
    )
  })

  it('yields the common part of the later snapshot when their coverage differs', () => {
    fc.assert(
      fc.property(anySnapshot(), anySnapshot(), (a, b) => {
        expect(content(restrictedTo(applyDrift(a, drift(a, b)), b))).toBe(content(restrictedTo(b, a)))
      }),
    )
  })

  it('mirrors the drift of the other direction', () => {
    fc.assert(
      fc.property(anySnapshot(), anySnapshot(), (a, b) => {
        expect(drift(b, a).map(unjudged)).toEqual(drift(a, b).map(mirrored))
      }),
    )
  })

  it('survives serialization as JSON', () => {
    fc.assert(
      fc.property(anySnapshot({ whole: true }), anySnapshot({ whole: true }), (a, b) => {
        const sent: Change[] = JSON.parse(JSON.stringify(drift(a, b)))
        expect(content(applyDrift(a, sent))).toBe(content(b))
      }),
    )
  })
})

describe('drift compares the common coverage of both snapshots', () => {
  const app = { name: 'app', relations: [] }
  const auth = { name: 'auth', relations: [] }

  it('does not report a schema as dropped that was not requested', () => {
    const all = snapshot({ schemas: [app, auth] })
    expect(drift(all, snapshot({ schemasAsked: ['app'], schemas: [app] }))).toEqual([])
    expect(drift(all, snapshot({ excludedSchemas: ['auth'], schemas: [app] }))).toEqual([])
  })

  it('reports a schema as dropped that was requested and is missing', () => {
    const changes = drift(snapshot({ schemas: [app] }), snapshot({ schemasAsked: ['app'] }))
    expect(changes).toMatchObject([{ kind: 'removed', object: 'schema', path: ['app'], class: 'breaking' }])
  })

  it('knows which schemas a snapshot covers', () => {
    expect(covers(snapshot({ schemasAsked: ['a'] }), 'a')).toBe(true)
    expect(covers(snapshot({ schemasAsked: ['a'] }), 'b')).toBe(false)
    expect(covers(snapshot({ excludedSchemas: ['a'] }), 'a')).toBe(false)
    expect(covers(snapshot(), 'b')).toBe(true)
  })

  it('ignores estimates and hidden objects', () => {
    const observed = {
      serverVersionNum: 170_000,
      hidden: { schemas: 1, relations: 2, columns: 3, sequences: 4 },
      estimates: [{ schema: 'app', relations: [{ name: 't', rows: 1, bytes: 2 }] }],
    }
    expect(drift(snapshot({ schemas: [app] }), snapshot({ schemas: [app], observed }))).toEqual([])
  })
})

describe('drift is classified for clients that read and write by name', () => {
  const verified = (before: Record<string, unknown>, after: Record<string, unknown>) =>
    drift(oneTable(before), oneTable(after)).map(
      change => `${change.class}: ${change.object} ${change.what ?? change.kind}`,
    )

  const columns = (...list: object[]) => ({ columns: list })
  const constraint = (kind: string) => ({ constraints: [{ name: 'k', kind, columns: ['id'] }] })
  const index = (more: object = {}) => ({ indexes: [{ name: 'i', definition: 'CREATE …', ...more }] })
  const policy = (more: object = {}) => ({ policies: [{ name: 'p', command: 'all', roles: ['public'], ...more }] })

  it.each([
    ['a dropped column', columns(id, note), columns(id), 'breaking: column removed'],
    ['a new column that may be null', columns(id), columns(id, note), 'safe: column added'],
    [
      'a new not-null column without default',
      columns(id),
      columns(id, { ...note, notNull: true }),
      'breaking: column added',
    ],
    [
      'a new not-null column with a default',
      columns(id),
      columns(id, { ...note, notNull: true, default: "''" }),
      'safe: column added',
    ],
    ['a retyped column', columns(id), columns({ ...id, type: 'text' }), 'breaking: column type'],
    ['a widened integer', columns(id), columns({ ...id, type: 'bigint' }), 'risky: column type'],
    [
      'a column that no longer takes null',
      columns(note),
      columns({ ...note, notNull: true }),
      'breaking: column notNull',
    ],
    ['a column that now takes null', columns(id), columns({ name: 'id', type: 'integer' }), 'risky: column notNull'],
    ['a lost default of a required column', columns({ ...id, default: '1' }), columns(id), 'breaking: column default'],
    [
      'a lost default of an optional column',
      columns({ ...note, default: '1' }),
      columns(note),
      'risky: column default',
    ],
    ['columns in another order', columns(id, note), columns(note, id), 'risky: relation column order'],
    ['a comment', {}, { comment: 'x' }, 'safe: relation comment'],
    ['row-level security switched on without a policy', {}, { rowSecurity: true }, 'breaking: relation rowSecurity'],
    [
      'row-level security switched on beside a policy',
      policy(),
      { ...policy(), rowSecurity: true },
      'risky: relation rowSecurity',
    ],
    ['row-level security switched off', { rowSecurity: true }, {}, 'breaking: relation rowSecurity'],
    ['row-level security no longer forced', { rowSecurityForced: true }, {}, 'risky: relation rowSecurityForced'],
    ['a lost permission', { may: ['select', 'insert'] }, { may: ['select'] }, 'breaking: relation may'],
    ['a gained permission', { may: ['select'] }, { may: ['select', 'insert'] }, 'safe: relation may'],
    [
      "a column's permission that the whole table now has",
      { ...columns({ ...note, may: ['select'] }) },
      { ...columns(note), may: ['select'] },
      'safe: relation may, safe: column may',
    ],
    [
      "a table's permission that every column now has",
      { ...columns(note), may: ['select'] },
      { ...columns({ ...note, may: ['select'] }) },
      'safe: relation may, safe: column may',
    ],
    [
      'a permission that only some columns keep',
      { ...columns(id, note), may: ['select'] },
      { ...columns(id, { ...note, may: ['select'] }) },
      'breaking: relation may, safe: column may',
    ],
    [
      'a unique index that became a constraint',
      index({ unique: true, definition: 'CREATE UNIQUE INDEX i ON public.orders USING btree (id)' }),
      constraint('unique'),
      'safe: constraint added, risky: index removed',
    ],
    [
      'a unique index over a quoted column that became a constraint',
      { ...index({ unique: true, definition: 'CREATE UNIQUE INDEX i ON public.orders USING btree ("user""Id", id)' }) },
      { constraints: [{ name: 'k', kind: 'unique', columns: ['user"Id', 'id'] }] },
      'safe: constraint added, risky: index removed',
    ],
    [
      'a key beside an index that could not be built',
      {
        ...constraint('unique'),
        ...index({
          unique: true,
          invalid: true,
          definition: 'CREATE UNIQUE INDEX i ON public.orders USING btree (id)',
        }),
      },
      index({ unique: true, invalid: true, definition: 'CREATE UNIQUE INDEX i ON public.orders USING btree (id)' }),
      'breaking: constraint removed',
    ],
    [
      'a unique index over less that became a constraint',
      index({ unique: true, definition: 'CREATE UNIQUE INDEX i ON public.orders USING btree (id) WHERE (id > 1)' }),
      constraint('unique'),
      'risky: constraint added, breaking: index removed',
    ],
    [
      'a renamed key',
      constraint('primary_key'),
      { constraints: [{ name: 'l', kind: 'primary_key', columns: ['id'] }] },
      'risky: constraint removed, safe: constraint added',
    ],
    [
      'a constraint that was validated',
      { constraints: [{ name: 'k', kind: 'foreign_key', columns: ['id'], definition: 'FOREIGN KEY … NOT VALID' }] },
      constraint('foreign_key'),
      'safe: constraint definition',
    ],
    [
      'a view that no longer sees with the eyes of who asks',
      { kind: 'view', options: 'security_barrier=true, security_invoker=on' },
      { kind: 'view', options: 'security_barrier=true' },
      'breaking: relation options',
    ],
    [
      'a view that now sees with the eyes of who asks',
      { kind: 'view' },
      { kind: 'view', options: 'security_invoker=true' },
      'risky: relation options',
    ],
    ['a table that became partitioned', {}, { kind: 'partitioned_table' }, 'risky: relation kind'],
    ['a table that became a view', {}, { kind: 'view' }, 'breaking: relation kind'],
    ['a lost key', constraint('unique'), {}, 'breaking: constraint removed'],
    ['a lost check', constraint('check'), {}, 'risky: constraint removed'],
    ['a new foreign key', {}, constraint('foreign_key'), 'risky: constraint added'],
    ['a new index', {}, index(), 'safe: index added'],
    ['a new unique index', {}, index({ unique: true }), 'risky: index added'],
    ['a removed index', index(), {}, 'risky: index removed'],
    ['a removed unique index', index({ unique: true }), {}, 'breaking: index removed'],
    ['a removed permissive policy', policy(), {}, 'risky: policy removed'],
    ['a removed restrictive policy', policy({ restrictive: true }), {}, 'breaking: policy removed'],
  ])('%s', (...[, before, after, verdict]) => {
    expect(verified(before, after).join(', ')).toBe(verdict)
  })

  it('reports a dropped table once, as a whole, and a new one as safe', () => {
    const empty = snapshot({ schemas: [{ name: 'public', relations: [] }] })
    const table = oneTable().schemas[0]?.relations[0]
    expect(drift(oneTable(), empty)).toMatchObject([
      { kind: 'removed', path: ['public', 'orders'], before: table, class: 'breaking' },
    ])
    expect(drift(empty, oneTable())).toMatchObject([
      { kind: 'added', path: ['public', 'orders'], after: table, class: 'safe' },
    ])
  })

  it('distinguishes a removed label from a new one', () => {
    const mood = (...labels: string[]) =>
      snapshot({ schemas: [{ name: 'public', relations: [], enums: [{ name: 'public.mood', labels }] }] })
    expect(drift(mood('sad', 'ok'), mood('sad'))).toMatchObject([{ class: 'breaking', what: 'labels' }])
    expect(drift(mood('sad'), mood('sad', 'ok'))).toMatchObject([{ class: 'risky', what: 'labels' }])
    expect(drift(mood('sad', 'ok'), mood('ok', 'sad'))).toMatchObject([{ class: 'risky', what: 'labels' }])
  })

  it('puts nothing of the database into a reason', () => {
    fc.assert(
      fc.property(anySnapshot(), anySnapshot(), (a, b) => {
        for (const change of drift(a, b)) expect(change.reason).toMatch(/^[a-z "*:,'-]{10,90}$/)
      }),
    )
  })
})
