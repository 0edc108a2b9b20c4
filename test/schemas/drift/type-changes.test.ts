/** A change of type by the two names alone: what keeps every value, and what clients read as another type. */
import { describe, expect, it } from 'vitest'
import { elementOf, typeChange } from '#shared/schemas/drift/drift-type.ts'

describe('a change of type', () => {
  it.each([
    ['character varying(10)', 'character varying(20)', 'wider'],
    ['character varying(10)', 'text', 'wider'],
    ['character varying(10)[]', 'text[]', 'wider'],
    ['numeric(10,2)', 'numeric(12,2)', 'wider'],
    ['numeric(10,2)', 'numeric', 'wider'],
    ['timestamp(3) with time zone', 'timestamp with time zone', 'wider'],
    ['bit varying(3)', 'bit varying', 'wider'],
    ['smallint', 'bigint', 'other_reading'],
    ['real', 'double precision', 'other_reading'],
    ['text', 'character varying(10)', 'retyped'],
    ['character varying(20)', 'character varying(10)', 'retyped'],
    ['numeric(10,2)', 'numeric(12,4)', 'wider'],
    ['numeric(10,2)', 'numeric(11,4)', 'retyped'],
    ['timestamp with time zone', 'timestamp(6) with time zone', 'wider'],
    ['timestamp with time zone', 'timestamp(3) with time zone', 'retyped'],
    ['timestamp with time zone', 'timestamp without time zone', 'retyped'],
    ['bigint', 'integer', 'retyped'],
    ['integer', 'integer[]', 'retyped'],
    ['public.mood', 'text', 'retyped'],
    ['character varying', 'text', 'wider'],
    ['text', 'character varying', 'wider'],
    ['text', 'character varying[]', 'retyped'],
    ['integer[]', 'bigint[][]', 'retyped'],
    ['cidr', 'inet', 'wider'],
    ['inet', 'cidr', 'retyped'],
    ['cidr', 'text', 'retyped'],
    ['character(3)', 'character(4)', 'other_reading'],
    ['character(4)', 'character(3)', 'retyped'],
    ['character(3)', 'text', 'other_reading'],
    ['character(3)', 'character varying', 'other_reading'],
    ['character(3)', 'character varying(4)', 'retyped'],
    ['text', 'character(3)', 'retyped'],
    ['bit varying', 'bit varying(3)', 'retyped'],
    ['bit varying(3)', 'bit varying(4)', 'wider'],
    ['bit varying(3)', 'character varying(4)', 'retyped'],
    ['numeric', 'numeric(10,2)', 'retyped'],
    ['numeric(10,2)', 'numeric(10,1)', 'retyped'],
    ['numeric(10,2)', 'numeric(9,2)', 'retyped'],
    ['numeric(3,-2)', 'numeric(5,0)', 'wider'],
    ['numeric(10,2)', 'text', 'retyped'],
    ['integer', 'numeric', 'other_reading'],
    ['numeric', 'integer', 'retyped'],
    ['integer', 'numeric(10,2)', 'retyped'],
    ['text', 'integer', 'retyped'],
    ['double precision', 'real', 'retyped'],
    ['real', 'numeric', 'retyped'],
    ['numeric', 'double precision', 'retyped'],
    ['time(3) without time zone', 'time(4) without time zone', 'wider'],
    ['time(3) without time zone', 'timestamp(4) without time zone', 'retyped'],
    ['interval(3)', 'interval', 'wider'],
    ['interval', 'interval(3)', 'retyped'],
    ['interval(3)', 'text', 'retyped'],
    ['xinterval(3)', 'xinterval(4)', 'retyped'],
    ['interval(3)x', 'interval(4)x', 'retyped'],
    ['app.character varying(3)', 'app.character varying(4)', 'retyped'],
    ['app.numeric(3,1)', 'app.numeric(4,1)', 'retyped'],
    ['app.character(3)', 'text', 'retyped'],
    ['app.bit varying(3)', 'app.bit varying(4)', 'retyped'],
  ])('from %s to %s is %s', (before, after, change) => {
    expect(typeChange(before, after)).toBe(change)
  })

  it('compares the elements of arrays, whose dimensions are at the end of the name', () => {
    expect(['integer', 'integer[]', 'integer[][]', '[]', 'a[]b'].map(elementOf)).toEqual([
      ...['integer', 'integer', 'integer', '', 'a[]b'],
    ])
  })
})
