/**
 * Replaces a credential: a direct datasource's connection string or CA certificate, an endpoint's signing key. What is
 * sealed is joined with what is in force by the worker, which alone can open that; no display column ever steers a dial.
 */
import type { z } from 'zod'
import * as credentials from '#server/store/credentials.ts'
import * as datasources from '#server/store/datasources.ts'
import { transaction } from '#server/store/db.ts'
import type { Datasource } from '#shared/datasource.ts'
import type { RotateInput, RotateKeyInput } from '#shared/datasource-change.ts'
import { Fault } from '#shared/fault.ts'
import type { KnownContext } from './context.ts'
import { draftString, type StringInput } from './draft.ts'
import { changeable } from './find.ts'
import { once } from './once.ts'
import { type DraftedSecret, placePending, recordUnchanged } from './pending.ts'
import { requireOurKey } from './sealing.ts'
import { type Checked, checked } from './verdict.ts'

type Rotation = z.output<typeof RotateInput>

function drafted(ctx: KnownContext, input: Rotation): DraftedSecret {
  const allowMove = input.allowMove ?? false
  const source = sourceOf(input)
  if (source !== null) {
    const { secret, canonical } = draftString(ctx, source)
    // A string alone leaves the certificate as it is; what the two come to is known to the worker.
    const keep = input.caCertificate === undefined ? { keepCertificate: true } : {}
    return { secret: { ...secret, allowMove, ...keep }, canonical, last4: null }
  }
  if (input.caCertificate === undefined) {
    const message = 'Give a connectionString, a sealed one, or a caCertificate.'
    throw new Fault('invalid_body', { issues: [{ path: ['connectionString'], code: 'missing', message }] })
  }
  return { secret: { kind: 'ca-certificate', caCertificate: input.caCertificate }, canonical: null, last4: null }
}

function sourceOf(input: Rotation): StringInput | null {
  if ('sealedConnectionString' in input) return input
  const { connectionString, caCertificate } = input
  return connectionString === undefined ? null : { connectionString, caCertificate }
}

/** Rotates a direct datasource. Throws `conflict` when `expectedVersion` is not the one in force, or another is pending. */
export async function rotate(ctx: KnownContext, input: Rotation): Promise<Datasource> {
  const entry = drafted(ctx, input)
  const waitSeconds = input.waitSeconds ?? 0
  return once(ctx, {
    path: 'datasources.rotate',
    input,
    effect: async inside => {
      await requireOurKey(inside, input)
      const row = await changeable(inside, input.id, 'datasources.update')
      if (row.kind !== 'direct') throw wrongKind('connectionString', 'An endpoint has a signing key: use rotateKey.')
      return place(inside, { id: row.id, entry, expectedVersion: input.expectedVersion })
    },
    answer: (inside, placed) => checked(inside, { ...placed, waitSeconds }),
    waits: waitSeconds > 0,
    rings: ['work', 'news'],
  })
}

/** Rotates an endpoint's signing key; the worker joins it with the URL that is in force. */
export async function rotateKey(ctx: KnownContext, input: RotateKeyInput): Promise<Datasource> {
  const { signingKey } = input
  const last4 = [...signingKey].slice(-4).join('')
  return once(ctx, {
    path: 'datasources.rotateKey',
    input,
    effect: async inside => {
      const row = await changeable(inside, input.id, 'datasources.update')
      if (row.kind !== 'endpoint') throw wrongKind('signingKey', 'A direct datasource has no signing key: use rotate.')
      const canonical = JSON.stringify(['endpoint', row.endpoint, signingKey])
      const entry = { secret: { kind: 'signing-key', signingKey } as const, canonical, last4 }
      return place(inside, { id: row.id, entry, expectedVersion: undefined })
    },
    answer: (inside, placed) => checked(inside, { ...placed, waitSeconds: 0 }),
    rings: ['work', 'news'],
  })
}

function wrongKind(field: string, message: string): Fault {
  return new Fault('invalid_body', { issues: [{ path: [field], code: 'wrong_kind', message }] })
}

async function place(
  ctx: KnownContext,
  of: { id: string; entry: DraftedSecret; expectedVersion: number | undefined },
): Promise<Checked> {
  const org = ctx.principal.organizationId
  return transaction(ctx.parts.db, async tx => {
    const held = await datasources.lock(tx, org, { id: of.id })
    if (held === undefined) throw new Fault('entity_not_found')
    const live = await credentials.live(tx, org, of.id)
    if (of.expectedVersion !== undefined) requireVersion(live, of.expectedVersion)
    if (isUnchanged(ctx, live, of.entry)) {
      await recordUnchanged(ctx, tx, of.id)
      return { id: of.id, request: 0 }
    }
    return { id: of.id, request: await placePending(ctx, tx, { held, drafted: of.entry }) }
  })
}

/** The caller's idea of what is in force must be right, and nothing else may be on its way. */
function requireVersion(live: readonly credentials.CredentialSummary[], expected: number): void {
  const isExpected = live.length === 1 && live[0]?.state === 'current' && live[0].version === expected
  if (!isExpected) throw new Fault('conflict')
}

function isUnchanged(ctx: KnownContext, live: readonly credentials.CredentialSummary[], entry: DraftedSecret): boolean {
  if (entry.canonical === null) return false
  const fingerprints = ctx.parts.sealer.fingerprints(ctx.principal.organizationId, entry.canonical)
  const newest = live.at(-1)?.fingerprint ?? null
  return newest !== null && fingerprints.includes(newest)
}
