/**
 * The examples of capabilities and API keys in the OpenAPI document.
 * The tokens in them are not valid.
 */
import { IDS } from './examples.ts'

const scope = {
  organizationId: IDS.organization,
  syncGroups: ['orders'],
  operations: ['datasources.read'],
  participantKind: 'agent',
  participantId: 'agent-7',
} as const

const capability = {
  object: 'capability',
  id: IDS.capability,
  capabilityId: IDS.capability,
  mode: 'test',
  status: 'active',
  ...scope,
  scope,
  allowedSyncGroups: scope.syncGroups,
  allowedOperations: scope.operations,
  datasourceIds: [IDS.datasource],
  createdAt: '2026-11-21T09:30:00.000Z',
  issuedAt: '2026-11-21T09:30:00.000Z',
  lastUsedAt: null,
  expiresAt: '2026-11-21T10:30:00.000Z',
  revokedAt: null,
  label: 'nightly report',
  userMeta: { run: 12 },
  wideScope: false,
} as const

const minted = { ...capability, token: `rk_test_${'shown-once-'.repeat(3)}abc` } as const

/** Capabilities: requests and answers. The token is not valid. */
export const CAPABILITIES = {
  mint: {
    operations: ['datasources.read'],
    datasourceIds: [IDS.datasource],
    ttlSeconds: 3600,
    label: 'nightly report',
  },
  mintWide: { wideScope: true, ttlSeconds: 600, participantKind: 'system' },
  shown: capability,
  minted,
  rotated: {
    ...minted,
    id: IDS.newCapability,
    capabilityId: IDS.newCapability,
    rotatedFrom: { id: IDS.capability, capabilityId: IDS.capability, expiresAt: '2026-11-21T09:31:00.000Z' },
  },
  revoked: {
    ...capability,
    status: 'revoked',
    revokedAt: '2026-11-21T09:45:00.000Z',
    deleted: true,
    activeSessionsClosed: 0,
  },
} as const

const key = {
  id: IDS.uuid,
  name: 'nightly import',
  prefix: 'sk_test_',
  last4: 'aBc1',
  created_at: '2026-11-21T09:30:00.000Z',
} as const

/** API keys in the connections dialect. The key is not valid. */
export const API_KEYS = {
  create: { name: 'nightly import' },
  shown: key,
  created: { ...key, key: `sk_test_${'shown-once-'.repeat(3)}aBc1` },
  revoked: { id: IDS.uuid, revoked_at: '2026-11-21T09:45:00.000Z', kept: 2 },
} as const
