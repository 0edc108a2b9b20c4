/**
 * A login, verified as by the product:
 * dialled by the real dialler on loopback, probed, and given its verdict.
 */
import type { Probe } from '#server/domain/checks/probe.ts'
import { type Verification, type VerificationRequest, verifyProbe } from '#server/domain/checks/verification.ts'
import { probeDatabase } from '#server/net/postgres/probe.ts'
import { createResolver } from '#server/net/socket/resolver.ts'
import { localTarget } from '#test/support/dials/dialling.ts'

/** The login, and the requested schema. */
export interface Login {
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly schema?: string | null
  readonly asked?: Partial<Omit<VerificationRequest, 'target' | 'schema'>>
}

/** The findings, and their verdict. */
export interface VerifiedLogin {
  readonly probe: Probe
  readonly judgement: Verification
  /** The items whose lines fail. */
  readonly failing: readonly string[]
  /** The items of the advisories about the role. */
  readonly advised: readonly string[]
}

/** Dials without TLS, which a test server lacks and an opened network permits. */
export async function verifyLogin({ port, schema = null, asked, ...who }: Login): Promise<VerifiedLogin> {
  const target = localTarget(port, { ...who, tlsMode: 'disable' })
  const probe = await probeDatabase(
    { target, caCertificate: null, schema, deadlineMs: 10_000 },
    { policy: { openNetworks: ['127.0.0.0/8'] }, resolver: createResolver({ servers: [], timeoutMs: 1_000 }) },
  )
  const judgement = verifyProbe(probe, { schema, rolePolicy: 'enforce', dbType: 'postgresql', ...asked, target })
  return {
    probe,
    judgement,
    failing: judgement.checks.filter(check => check.outcome === 'fail').map(check => check.item),
    advised: judgement.advisories.map(advisory => advisory.item).filter(item => item !== 'tls'),
  }
}
