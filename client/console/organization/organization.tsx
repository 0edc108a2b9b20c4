/**
 * The organization's settings: keys, capabilities, audit record, limits and usage. For a key without
 * `organization.read`, each tab shows the server's refusal.
 */
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ComponentType } from 'react'
import type { OrganizationTab } from '#client/console/base/search.ts'
import { PageFrame } from '#client/console/kit/panel.tsx'
import { type Tab, Tabs } from '#client/console/kit/tabs.tsx'
import '#client/console/styles/organization.css'
import { Audit } from './audit.tsx'
import { Capabilities } from './capabilities.tsx'
import { Keys } from './keys.tsx'
import { UsageTab } from './usage.tsx'

const TABS: readonly Tab<OrganizationTab>[] = [
  { value: 'keys', label: 'API keys' },
  { value: 'capabilities', label: 'Capabilities' },
  { value: 'audit', label: 'Audit' },
  { value: 'usage', label: 'Limits and usage' },
]

const CONTENT: Readonly<Record<OrganizationTab, ComponentType>> = {
  keys: Keys,
  capabilities: Capabilities,
  audit: Audit,
  usage: UsageTab,
}

/** The page. */
export function Organization() {
  const { tab = 'keys' } = useSearch({ from: '/organization' })
  const navigate = useNavigate({ from: '/organization' })
  const Content = CONTENT[tab]
  return (
    <PageFrame title="Organization" name="Organization" about="Access, the audit record, limits and usage.">
      <Tabs
        label="About the organization"
        tabs={TABS}
        value={tab}
        onChange={to => void navigate({ search: { tab: to }, replace: true })}
      >
        <Content />
      </Tabs>
    </PageFrame>
  )
}
