/**
 * Registers a database or an endpoint. The connection string is parsed while it is typed and sealed in this page when
 * it is sent; the checklist fills in while a worker checks it. Beside the form is the SQL for a role that passes. The
 * string exists only in its field, and is cleared when it is sent.
 */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { RegisterKind } from '#client/console/base/search.ts'
import { PageFrame } from '#client/console/kit/panel.tsx'
import { type Tab, Tabs } from '#client/console/kit/tabs.tsx'
import '#client/console/styles/register.css'
import { EndpointForm } from './endpoint-form.tsx'
import { Outcome } from './outcome.tsx'
import type { Registered } from './registered.ts'
import { RoleSqlPanel } from './role-sql.tsx'
import { StringForm } from './string-form.tsx'

const KINDS: readonly Tab<RegisterKind>[] = [
  { value: 'direct', label: 'Connection string' },
  { value: 'endpoint', label: 'Signed endpoint' },
]

/** The page. */
export function Register() {
  const { kind = 'direct' } = useSearch({ from: '/register' })
  const navigate = useNavigate({ from: '/register' })
  const [registered, setRegistered] = useState<Registered | null>(null)
  return (
    <PageFrame
      title="Register a database"
      name="Register"
      about="The credential is sealed in this page. No process that faces the internet can read it, here or later."
    >
      {registered === null ? (
        <Tabs
          label="How it is reached"
          tabs={KINDS}
          value={kind}
          onChange={to => void navigate({ search: { kind: to }, replace: true })}
        >
          <div className="register">
            {kind === 'direct' ? (
              <StringForm onRegistered={setRegistered} />
            ) : (
              <EndpointForm onRegistered={setRegistered} />
            )}
            {kind === 'direct' ? <RoleSqlPanel /> : null}
          </div>
        </Tabs>
      ) : (
        <Outcome registered={registered} onAnother={() => setRegistered(null)} />
      )}
    </PageFrame>
  )
}
