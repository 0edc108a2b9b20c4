/**
 * R1: a refusal by a pooler or a provider's proxy is reported as a refusal, by its place in the exchange. Each case
 * uses a fake server; `pgbouncer.test.ts` covers a real PgBouncer.
 */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { verifyProbe } from '#server/domain/checks/verification.ts'
import { probeDatabase } from '#server/net/postgres/probe.ts'
import { localTarget } from '#test/support/dials/dialling.ts'
import { failure, frame, OFFER, type Script, startHostile } from '#test/support/dials/hostile-postgres.ts'
import { answer, challenge, greet, SHARED_PASSWORD, welcome } from '#test/support/dials/hostile-scripts.ts'
import { SURROUNDINGS } from '#test/support/dials/tls-servers.ts'
import { fieldCases } from '#test/support/field/cases.ts'

const Case = z.strictObject({
  when: z.enum(['request', 'exchange', 'proof', 'proven', 'welcome', 'query']),
  sqlstate: z.string(),
  says: z.string(),
  host: z.string().optional(),
  user: z.string().optional(),
  reason: z.string(),
  item: z.string(),
  retried: z.boolean(),
  fix: z.array(z.string()).default([]),
  never: z.array(z.string()).default([]),
})

/** An error at each point of the login, with the password in it, as a server may write it. */
const SCRIPTS: Readonly<Record<z.output<typeof Case>['when'], (error: Buffer) => Script>> = {
  request: error => greet(error),
  exchange: error => async peer => {
    await peer.startup()
    peer.send(OFFER)
    await peer.message()
    peer.send(error)
  },
  proof: error => challenge(() => [error]),
  proven: error => challenge(final => [frame('R', 12, final), error]),
  welcome: error => welcome(error),
  query: error => answer(error, frame('Z', 'I')),
}

describe('An error', () => {
  it.each(fieldCases('pooler-refusals.json', Case))('of $sqlstate at $when, "$says", is $reason', async one => {
    const { when, sqlstate, says, host, user = 'app' } = one
    const words = { S: 'FATAL', C: sqlstate, M: says, D: `of ${SHARED_PASSWORD}`, H: SHARED_PASSWORD }
    const server = await startHostile(SCRIPTS[when](failure(words)))
    const target = localTarget(server.port, { database: 'shop', user, tlsMode: 'disable' })
    const probe = await probeDatabase(
      { target, caCertificate: null, schema: null, deadlineMs: 20_000 },
      SURROUNDINGS,
    ).finally(() => server.stop())
    const judgement = verifyProbe(probe, {
      schema: null,
      rolePolicy: 'enforce',
      dbType: 'postgresql',
      target: { ...target, host: host ?? target.host },
      egressAddresses: ['192.0.2.7'],
    })
    const line = judgement.checks.find(check => check.outcome === 'fail')
    expect({ reason: judgement.reason, item: line?.item, retried: judgement.retryable }).toEqual({
      reason: one.reason,
      item: one.item,
      retried: one.retried,
    })
    for (const text of one.fix) expect(line?.fix).toContain(text)
    for (const text of one.never) expect(JSON.stringify(line)).not.toContain(text)
    const reported = JSON.stringify(judgement)
    expect(reported).not.toContain(SHARED_PASSWORD)
    // None of the server's own words, except those that are ours as well.
    if (says.includes('stranger')) expect(reported).not.toContain(says)
  })
})
