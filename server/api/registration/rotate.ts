/**
 * Replaces a credential: a direct datasource's connection string, with its CA certificate, or an endpoint's signing
 * key, which the worker combines with the current URL. Nothing is compared here, and no display column ever decides
 * where to dial.
 */

import type { z } from 'zod'
import { asCaller, type KnownContext } from '#server/api/context.ts'
import { type AwaitedVerification, awaitVerification } from '#server/api/procedure/await-verification.ts'
import { awaiting, idempotentAs } from '#server/api/procedure/idempotent.ts'
import { pollUntil } from '#server/api/procedure/poll-until.ts'
import { requireChangeable, requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { requireOurKey } from '#server/api/registration/sealing.ts'
import * as credentials from '#server/store/credentials/credentials.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { RotateInput, RotateKeyInput } from '#shared/datasources/datasource-change.ts'
import { Fault } from '#shared/faults/fault.ts'
import { parseString, type SplitString, withAdvice } from './parse-registration.ts'
import { type Staged, stageLocked, type UnsealedSecret } from './stage-credential.ts'

type Rotation = z.output<typeof RotateInput>

/** How long to wait for a pending credential if a version is expected. */
const SETTLING_MS = 2_000

function drafted(ctx: KnownContext, input: Rotation): UnsealedSecret & Pick<SplitString, 'advisories'> {
  const { secret, advisories } = parseString(ctx, input)
  return { secret: { ...secret, allowMove: input.allowMove ?? false }, last4: null, advisories }
}

/**
 * Rotates a direct datasource. Throws `conflict` if `expectedVersion` is not the current one, or another credential
 * stays pending.
 */
export async function rotateConnectionString(ctx: KnownContext, input: Rotation): Promise<Datasource> {
  return onceSettled(ctx, input.id, () => rotateNow(ctx, input))
}

function rotateNow(ctx: KnownContext, input: Rotation): Promise<Datasource> {
  const entry = drafted(ctx, input)
  const waitSeconds = input.waitSeconds ?? 0
  const call = { ctx, path: 'datasources.rotate', input }
  const rotated = async (inside: KnownContext): Promise<AwaitedVerification> => {
    await requireOurKey(inside, input)
    const row = await requireChangeable(inside, input.id, 'datasources.update')
    if (row.kind !== 'direct') throw wrongKind('connectionString', 'An endpoint has a signing key: use rotateKey.')
    return place(inside, { id: row.id, entry, expectedVersion: input.expectedVersion, set: describedBy(input) })
  }
  const answer = async (inside: KnownContext, placed: AwaitedVerification) =>
    withAdvice(await awaitVerification(inside, { ...placed, waitSeconds }), entry)
  const of = { answer, wakes: ['work', 'news'] as const }
  return waitSeconds > 0 ? awaiting(call, rotated, of) : idempotentAs(call, rotated, of)
}

function describedBy({ name, excludedSchemas }: Rotation): NonNullable<Staged['set']> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(excludedSchemas === undefined ? {} : { excluded_schemas: excludedSchemas }),
  }
}

/** Rotates an endpoint's signing key; the worker combines it with the current URL. */
export async function rotateKey(ctx: KnownContext, input: RotateKeyInput): Promise<Datasource> {
  const { signingKey } = input
  const last4 = [...signingKey].slice(-4).join('')
  const rotated = async (inside: KnownContext): Promise<AwaitedVerification> => {
    const row = await requireChangeable(inside, input.id, 'datasources.update')
    if (row.kind !== 'endpoint') throw wrongKind('signingKey', 'A direct datasource has no signing key: use rotate.')
    const entry = { secret: { kind: 'signing-key', signingKey } as const, last4 }
    return place(inside, { id: row.id, entry, expectedVersion: undefined, set: {} })
  }
  return idempotentAs({ ctx, path: 'datasources.rotateKey', input }, rotated, {
    answer: (inside, placed) => awaitVerification(inside, { ...placed, waitSeconds: 0 }),
    wakes: ['work', 'news'],
  })
}

function wrongKind(field: string, message: string): Fault {
  return new Fault('invalid_body', { issues: [{ path: [field], code: 'wrong_kind', message }] })
}

interface Placing {
  readonly id: string
  readonly entry: UnsealedSecret
  readonly expectedVersion: number | undefined
  readonly set: NonNullable<Staged['set']>
}

async function place(ctx: KnownContext, { id, expectedVersion, entry, set }: Placing): Promise<AwaitedVerification> {
  return asCaller(ctx, async unit => {
    const held = await lockDatasource(unit, { id })
    if (held === undefined) throw new Fault('entity_not_found')
    if (expectedVersion !== undefined) requireVersion(await credentials.live(unit.tx, unit.org, id), expectedVersion)
    const staged = { held, drafted: entry, action: 'datasource.rotation_requested', set } as const
    return { id, request: await stageLocked(ctx, unit, staged) }
  })
}

/** Another credential is pending: which one will be in force is not known yet. */
class Unsettled extends Fault {
  constructor() {
    super('conflict')
  }
}

/** The version that the caller expects must be the current one, and no credential may be pending. */
function requireVersion(live: readonly credentials.CredentialSummary[], expected: number): void {
  if (live.some(({ state }) => state === 'pending')) throw new Unsettled()
  if (!live.some(({ state, version }) => state === 'current' && version === expected)) throw new Fault('conflict')
}

/** Rotates; if a version is expected, first waits for a pending credential to be settled: 2 s, then `conflict`. */
async function onceSettled<T>(ctx: KnownContext, id: DatasourceId, rotation: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + SETTLING_MS
  for (;;) {
    try {
      return await rotation()
    } catch (thrown) {
      const leftMs = deadline - performance.now()
      if (!(thrown instanceof Unsettled) || leftMs <= 0) throw thrown
      const { id: datasourceId } = await requireDatasource(ctx, id)
      using _place = ctx.deps.waiters.take(ctx.principal)
      await pollUntil(ctx, leftMs, async () => {
        const live = await credentials.live(ctx.db, ctx.principal.organizationId, datasourceId)
        return live.some(({ state }) => state === 'pending') ? undefined : true
      })
    }
  }
}
