/**
 * Selects the scopes of a key or a capability: one checkbox for each scope that may be granted, with a sentence about
 * what it allows.
 */
import type { Scope } from '#shared/access/credential.ts'

const ABOUT: Readonly<Record<Scope, string>> = {
  'datasources.read': 'see datasources, schemas and checks',
  'datasources.create': 'register and validate',
  'datasources.update': 'rename, rotate, check',
  'datasources.remove': 'remove',
  'datasources.introspect': 'read schemas',
  'datasources.lease': 'lease credentials',
  'feeds.read': 'read events',
  'feeds.write': 'push events',
  'organization.read': 'see keys, capabilities and the audit record',
  'organization.write': 'create and revoke keys and capabilities',
}

interface ScopePickerProps {
  readonly label: string
  readonly offered: readonly Scope[]
  readonly chosen: readonly Scope[]
  readonly onChange: (scopes: readonly Scope[]) => void
}

/** The checkboxes. */
export function ScopePicker({ label, offered, chosen, onChange }: ScopePickerProps) {
  const toggle = (scope: Scope, isChosen: boolean) =>
    onChange(isChosen ? [...chosen, scope] : chosen.filter(one => one !== scope))
  return (
    <fieldset className="scopes">
      <legend className="field-label">{label}</legend>
      {offered.map(scope => (
        <label key={scope} className="checkbox">
          <input
            type="checkbox"
            checked={chosen.includes(scope)}
            onChange={event => toggle(scope, event.target.checked)}
          />
          <span>
            <code>{scope}</code> <span className="faint small">{ABOUT[scope]}</span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}
