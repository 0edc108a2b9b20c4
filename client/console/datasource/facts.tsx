/**
 * What is known of a datasource: the last verdict with its fixes, what should be better, and the facts beside.
 */
import type { Datasource } from '#client/console/api/trpc.ts'
import { Advisories, Checklist } from '#client/console/checks/checklist.tsx'
import { Copied } from '#client/console/kit/code.tsx'
import { Notice } from '#client/console/kit/feedback.tsx'
import { Facts as FactList, Panel } from '#client/console/kit/panel.tsx'
import { Time } from '#client/console/kit/time.tsx'

/** The tab. */
export function Facts({ datasource }: { datasource: Datasource }) {
  const { checks, advisories, kind, status, statusReason, removedAt } = datasource
  return (
    <div className="split">
      <Panel title="Last verdict" about={<Verdict datasource={datasource} />}>
        <div className="stack">
          {removedAt === null ? null : (
            <Notice title="This datasource was removed">Its credential is destroyed.</Notice>
          )}
          {status === 'active' && statusReason !== null ? (
            <Notice tone="warn" title="In use, with a problem">
              <p>
                The last check ended with <code>{statusReason}</code>. It is tried again by itself.
              </p>
            </Notice>
          ) : null}
          <Checklist checks={checks} kind={kind} />
          <Advisories advisories={advisories} />
        </div>
      </Panel>
      <Panel title="Facts">
        <FactList of={factsOf(datasource)} />
      </Panel>
    </div>
  )
}

function Verdict({ datasource: { status, statusReason, verifiedAt } }: { datasource: Datasource }) {
  if (status === 'rejected') return <code>{statusReason}</code>
  return (
    <>
      Last passed <Time at={verifiedAt} none="never" />
    </>
  )
}

function factsOf(datasource: Datasource) {
  const { id, credentialVersion, credentialFingerprint, createdAt, nextCheckAt } = datasource
  const both = [
    ['Id', <Copied key="id" text={id} label="Copy" />],
    ['Registered', <Time key="at" at={createdAt} />],
    ['Next check', <Time key="next" at={nextCheckAt} none="none is due" />],
    ['Credential', `version ${credentialVersion}`],
    ['Fingerprint', credentialFingerprint === null ? null : <code key="print">{credentialFingerprint}</code>],
  ] as const
  return [...both, ...(datasource.kind === 'direct' ? directFacts(datasource) : endpointFacts(datasource))]
}

function directFacts({
  host,
  port,
  database,
  schema,
  excludedSchemas,
  introspectedAt,
}: Extract<Datasource, { kind: 'direct' }>) {
  return [
    ['Host', <code key="host">{host}</code>],
    ['Port', <code key="port">{port}</code>],
    ['Database', <code key="database">{database}</code>],
    ['Schema', schema === null ? 'all that it may read' : <code key="schema">{schema}</code>],
    ['Left out', excludedSchemas.length === 0 ? null : excludedSchemas.join(', ')],
    ['Schema read', <Time key="read" at={introspectedAt} none="never" />],
  ] as const
}

function endpointFacts({ endpoint, keyLast4 }: Extract<Datasource, { kind: 'endpoint' }>) {
  return [
    ['Endpoint', <code key="endpoint">{endpoint}</code>],
    ['Signing key', keyLast4 === null ? null : <code key="key">…{keyLast4}</code>],
  ] as const
}
