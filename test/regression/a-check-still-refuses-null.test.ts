/** A not-null constraint that is not valid yet was dropped, and drift said that readers may get null, though a check refuses it. */
import { expect, it } from 'vitest'
import { changes, id, note } from '#test/support/schemas/changed.ts'

const check = { name: 'c', kind: 'check', columns: ['note'], definition: 'CHECK ((note IS NOT NULL))' }
const unvalidated = { columns: [id, { ...note, notNullUnvalidated: true }] }

it('A dropped not-null constraint is safe where a check still refuses null, and risky where none does', () => {
  expect(changes({ t: { ...unvalidated, constraints: [check] } }, { t: { constraints: [check] } })).toEqual([
    'safe: column notNullUnvalidated, a check also refuses null',
  ])
  expect(changes({ t: unvalidated }, {})).toEqual(['risky: column notNullUnvalidated, readers may now get null'])
})
