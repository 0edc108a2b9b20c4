/**
 * Which scopes a key or a capability is to have: one box for each that may be given, with what it allows in a sentence.
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
  'organization.read': 'see keys, capabilities and the record',
  'organization.write': 'make and revoke keys and capabilities',
}

interface ScopePickerProps {
  readonly label: string
  readonly offered: readonly Scope[]
  readonly chosen: readonly Scope[]
  readonly onChange: (scopes: readonly Scope[]) => void
}

/** The boxes. */
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
