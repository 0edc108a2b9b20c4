/**
 * The overview of a datasource: the last verdict with its
 * fixes, the advisories, and the facts beside them.
 */
import type { ReactNode } from 'react'
import type { DatasourceItem } from '#client/console/api/trpc.ts'
import { Advisories } from '#client/console/checks/checklist.tsx'
import { Copied } from '#client/console/kit/code.tsx'
import { Notice } from '#client/console/kit/feedback.tsx'
import { Facts as FactList, Panel } from '#client/console/kit/panel.tsx'
import { Time } from '#client/console/kit/time.tsx'
import { LastChecklist } from './last-checklist.tsx'

/** The overview tab. */
export function FactsTab({ datasource }: { datasource: DatasourceItem }) {
  const { advisories, status, statusReason, removedAt } = datasource
  return (
    <div className="split">
      <Panel title="Last verdict" about={<Verdict datasource={datasource} />}>
        <div className="stack">
          {removedAt === null ? null : (
            <Notice title="This datasource was removed">Its credential has been destroyed.</Notice>
          )}
          {status === 'active' && statusReason !== null ? (
            <Notice tone="warn" title="In use, with a problem">
              <p>
                The last check ended with <code>{statusReason}</code>. The check is retried automatically.
              </p>
            </Notice>
          ) : null}
          <LastChecklist datasource={datasource} />
          <Advisories advisories={advisories} />
        </div>
      </Panel>
      <Panel title="Facts">
        <FactList facts={factsOf(datasource)} />
      </Panel>
    </div>
  )
}

function Verdict({ datasource: { status, statusReason, verifiedAt } }: { datasource: DatasourceItem }) {
  if (status === 'rejected') return <code>{statusReason}</code>
  return (
    <>
      Last passed <Time at={verifiedAt} none="never" />
    </>
  )
}

function factsOf(datasource: DatasourceItem): Record<string, ReactNode> {
  const { id, credentialVersion, credentialFingerprint, createdAt, nextCheckAt } = datasource
  return {
    ...(datasource.kind === 'direct' ? directFacts(datasource) : endpointFacts(datasource)),
    Registered: <Time at={createdAt} />,
    'Next check': <Time at={nextCheckAt} none="none is due" />,
    Credential: `version ${credentialVersion}`,
    Id: <Copied text={id} label="Copy the id" />,
    Fingerprint:
      credentialFingerprint === null ? null : <Copied text={credentialFingerprint} label="Copy the fingerprint" />,
  }
}

function directFacts(datasource: Extract<DatasourceItem, { kind: 'direct' }>): Record<string, ReactNode> {
  const { host, port, database, schema, excludedSchemas, introspectedAt } = datasource
  return {
    Host: <code>{host}</code>,
    Port: <code>{port}</code>,
    Database: <code>{database}</code>,
    Schema: schema === null ? 'all that it may read' : <code>{schema}</code>,
    'Excluded schemas': excludedSchemas.length === 0 ? null : excludedSchemas.join(', '),
    'Schema read': <Time at={introspectedAt} none="never" />,
  }
}

function endpointFacts({
  endpoint,
  keyLast4,
  feed,
}: Extract<DatasourceItem, { kind: 'endpoint' }>): Record<string, ReactNode> {
  return {
    Endpoint: <code>{endpoint}</code>,
    'Signing key': keyLast4 === null ? null : <code>…{keyLast4}</code>,
    'Last answer': <Time at={feed.lastSuccessAt} none="never" />,
  }
}
