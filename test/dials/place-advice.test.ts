/** The advice about the kind of server that was reached: a pooler in transaction mode, a standby. It never refuses. */
import { describe, expect, it } from 'vitest'
import { placeAdvice } from '#server/domain/checks/place-advice.ts'
import type { Probe } from '#server/domain/checks/probe.ts'
import { GOOD_PROBE } from '#test/support/checks/good-probe.ts'

const itemsAt = (host: string, port = 5432, probe: Partial<Probe> = {}) =>
  placeAdvice({ ...GOOD_PROBE, ...probe }, { host, port }).map(({ item }) => item)

describe('A pooler in transaction mode', () => {
  it.each<[string, number, boolean]>([
    ['aws-0-eu-central-1.pooler.supabase.com', 6543, true],
    ['DB.ABCDEFGH.SUPABASE.CO', 6543, true],
    ['aws-0-eu-central-1.pooler.supabase.com', 5432, false],
    ['db.supabase.com.example.net', 6543, false],
    ['supabase.com', 6543, false],
    ['ep-cool-1-pooler.eu-central-1.aws.neon.tech', 5432, true],
    ['EP-COOL-1-POOLER.eu-central-1.aws.neon.build', 5432, true],
    ['ep-cool-1.eu-central-1.aws.neon.tech', 5432, false],
    ['ep-cool-1-pooler.neon.tech.example.net', 5432, false],
    ['db-pooler.example.net', 6543, false],
    ['-pooler.xneon.tech', 5432, false],
  ])('is recognised by the place: %s:%d is %s', (host, port, isPooler) => {
    expect(itemsAt(host, port)).toEqual(isPooler ? ['pooler_transaction'] : [])
  })

  it('is recognised anywhere by two transactions that met different backends', () => {
    expect(itemsAt('db.example.com', 5432, { isTransactionPooled: true })).toEqual(['pooler_transaction'])
    expect(itemsAt('db.example.com', 5432, { isTransactionPooled: false })).toEqual([])
  })

  it('is no advice before the login has shown that something answers there', () => {
    expect(itemsAt('db.abcdefgh.supabase.co', 6543, { facts: null })).toEqual([])
  })
})

describe('A standby', () => {
  it('is recognised by the report of the server', () => {
    const told = [true, false, null].map(isStandby => itemsAt('db.example.com', 5432, { isStandby }))
    expect(told).toEqual([['standby'], [], []])
  })

  it('behind a pooler has both, in our own words', () => {
    const advice = placeAdvice({ ...GOOD_PROBE, isTransactionPooled: true, isStandby: true }, { host: 'a', port: 1 })
    expect(advice).toEqual([
      {
        item: 'pooler_transaction',
        recommendation:
          'A pooler in transaction mode answers: each transaction may use a different backend. Session settings, LISTEN, advisory locks, temporary tables and replication do not persist there. Use the direct host or the session pooler if the platform needs them.',
      },
      {
        item: 'standby',
        recommendation:
          'The server is a standby: it accepts no writes, its rows lag behind, and long reads may be cancelled. Use the host of the primary if the platform writes.',
      },
    ])
  })
})
