/** The state machines as tables: transitions that must never exist, whatever states are added. */
import { expect, test } from 'vitest'
import { CAPABILITY_TRANSITIONS, capabilityState } from '#server/domain/access/capability-state.ts'
import { CREDENTIAL_TRANSITIONS } from '#server/domain/datasources/credential-state.ts'

test('A credential comes into force only by a check that it passes', () => {
  const ways = Object.entries(CREDENTIAL_TRANSITIONS.pending).filter(([, after]) => after === 'current')
  expect(ways).toEqual([['passed', 'current']])
})

test('A credential in force is retired by its successor and by the end of its datasource, never by a check', () => {
  const ways = Object.entries(CREDENTIAL_TRANSITIONS.current).filter(([, after]) => after !== 'current')
  expect(ways).toEqual([
    ['replaced', 'retired'],
    ['removed', 'retired'],
  ])
})

test('A destroyed credential stays destroyed', () => {
  expect(new Set(Object.values(CREDENTIAL_TRANSITIONS.retired))).toEqual(new Set(['retired']))
  expect(new Set(Object.values(CAPABILITY_TRANSITIONS.revoked))).toEqual(new Set(['revoked']))
})

test('No ended capability becomes valid again', () => {
  const { expired, revoked } = CAPABILITY_TRANSITIONS
  expect([...Object.values(expired), ...Object.values(revoked)]).not.toContain('active')
})

test('A revoked capability is revoked at any time, and others expire at their expiry', () => {
  const [before, at, after] = [new Date(999), new Date(1_000), new Date(1_001)]
  const alive = { revoked_at: null, expires_at: at }
  expect([before, at, after].map(now => capabilityState(alive, now))).toEqual(['active', 'expired', 'expired'])
  expect(capabilityState({ ...alive, revoked_at: after }, before)).toBe('revoked')
})
