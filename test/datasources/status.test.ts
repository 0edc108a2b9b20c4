/**
 * The state machine of a datasource: the next status for each verification and status, and how a refusal of an active
 * datasource is confirmed.
 */
import { describe, expect, it } from 'vitest'
import type { Verification } from '#server/domain/checks/verification.ts'
import { lookAgainAt, nextStanding, type StandingBefore } from '#server/domain/datasources/status.ts'
import type { Status } from '#shared/datasources/datasource.ts'
import { FAULTS, type FaultCode } from '#shared/faults/fault.ts'

const AT = new Date('2026-11-21T12:00:00.000Z')
const later = (seconds: number) => new Date(AT.getTime() + seconds * 1_000)
const standing = (status: Status): StandingBefore => ({ status, refusals: 0, refusedAt: null, isProven: true })

describe('the status', () => {
  const verdicts: Record<string, Pick<Verification, 'outcome' | 'reason'>> = {
    passed: { outcome: 'passed', reason: null },
    'private host': { outcome: 'refused', reason: 'byo_host_not_allowed' },
    'strong role': { outcome: 'refused', reason: 'byo_role_cannot_enforce_rls' },
    'unreadable role': { outcome: 'refused', reason: 'byo_role_unreadable' },
    'no schema': { outcome: 'refused', reason: 'schema_not_found' },
    'old server': { outcome: 'refused', reason: 'server_unsupported' },
    'refused password': { outcome: 'refused', reason: 'authentication_failed' },
    'expired certificate': { outcome: 'refused', reason: 'tls_failed' },
    'no database': { outcome: 'refused', reason: 'database_not_found' },
    unreachable: { outcome: 'unreachable', reason: 'database_unreachable' },
  }

  it.each<[Status, string, Status]>([
    ['unverified', 'passed', 'active'],
    ['unverified', 'private host', 'rejected'],
    ['unverified', 'strong role', 'rejected'],
    ['unverified', 'refused password', 'rejected'],
    ['unverified', 'expired certificate', 'rejected'],
    ['unverified', 'no database', 'rejected'],
    ['unverified', 'unreachable', 'unverified'],
    ['active', 'passed', 'active'],
    ['active', 'private host', 'active'],
    ['active', 'strong role', 'active'],
    ['active', 'unreadable role', 'active'],
    ['active', 'no schema', 'active'],
    ['active', 'old server', 'active'],
    ['active', 'refused password', 'active'],
    ['active', 'expired certificate', 'active'],
    ['active', 'no database', 'active'],
    ['active', 'unreachable', 'active'],
    ['rejected', 'passed', 'active'],
    ['rejected', 'strong role', 'rejected'],
    ['rejected', 'refused password', 'rejected'],
    ['rejected', 'unreachable', 'rejected'],
  ])('of a datasource that is %s, after "%s", is %s', (current, verdict, next) => {
    const found = verdicts[verdict]
    if (found === undefined) throw new Error(`no such verdict: ${verdict}`)
    expect(nextStanding(standing(current), { ...found, at: AT }).status).toBe(next)
  })

  it('is defined for every fault, and only a pass makes a datasource active', () => {
    for (const reason of Object.keys(FAULTS) as FaultCode[]) {
      for (const outcome of ['refused', 'unreachable'] as const) {
        expect(nextStanding(standing('unverified'), { outcome, reason, at: AT }).status).not.toBe('active')
        expect(nextStanding(standing('rejected'), { outcome, reason, at: AT }).status).toBe('rejected')
      }
    }
  })

  describe('of an active datasource that is refused', () => {
    const refused = { outcome: 'refused', reason: 'byo_host_not_allowed' } as const
    const looked = (
      before: StandingBefore,
      at: Date,
      verification: Pick<Verification, 'outcome' | 'reason'> = refused,
    ) => ({
      ...nextStanding(before, { ...verification, at }),
      isProven: true,
    })
    const once = looked(standing('active'), AT)
    const twice = looked(once, later(60))

    it('is final at the third refusal', () => {
      expect(once).toMatchObject({ status: 'active', refusals: 1, refusedAt: AT })
      expect(twice).toMatchObject({ status: 'active', refusals: 2, refusedAt: later(60) })
      expect(looked(twice, later(120))).toMatchObject({ status: 'rejected', refusals: 0, refusedAt: null })
    })

    it('has its next check after 60 s and then after 10 min', () => {
      expect([standing('active'), once, twice].map(lookAgainAt)).toEqual([null, later(60), later(660)])
    })

    it('is unchanged by a refusal within 60 s of the last counted one', () => {
      expect(looked(once, later(59))).toEqual(once)
      expect(looked(twice, later(119))).toEqual(twice)
    })

    it('is unchanged by a check that could not run, and reset by one that passes', () => {
      for (const before of [once, twice]) {
        for (const name of ['refused password', 'expired certificate', 'no database', 'unreachable'])
          expect(looked(before, later(3_600), verdicts[name])).toEqual(before)
        expect(looked(before, later(3_600), verdicts['passed'])).toEqual(standing('active'))
      }
    })

    it('is final at once without a verdict that it was active', () => {
      const edited = { ...standing('active'), isProven: false }
      expect(looked(edited, AT)).toMatchObject({ status: 'rejected', refusals: 0 })
      expect(looked(edited, AT, verdicts['unreachable'])).toMatchObject({ status: 'active', refusals: 0 })
    })
  })
})
