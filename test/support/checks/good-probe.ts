/**
 * The probe of a database that passes every check: decisions about probes are tested with copies of it that differ in
 * what the test names.
 */
import type { Probe } from '#server/domain/checks/probe.ts'
import { PLAIN_ROLE } from './role-facts.ts'

/** Over verified TLS, as a plain role. */
export const GOOD_PROBE: Probe = {
  passed: 'privilege',
  failure: null,
  address: '203.0.113.5',
  addresses: ['203.0.113.5'],
  openNetwork: false,
  tls: { protocol: 'TLSv1.3', verified: true },
  channelBound: true,
  facts: PLAIN_ROLE,
  schemaUsable: true,
  tookMs: 12,
}
