/**
 * A choice between a few options, from Base UI. It has a file of its own, so that a page without a choice does not load
 * it. The label is above it or available only to screen readers.
 */
import { Select } from '@base-ui/react/select'
import { Check, ChevronDown } from 'lucide-react'
import type { ChoiceOption } from './plain-choice.tsx'

/** A choice between a few options. */
export function Choice<T extends string>(props: {
  label: string
  value: T
  options: readonly ChoiceOption<T>[]
  onChange: (value: T) => void
  /** Hides the label visually; screen readers still announce it. */
  isBare?: boolean
}) {
  const items = [...props.options]
  return (
    <Select.Root items={items} value={props.value} onValueChange={value => value !== null && props.onChange(value)}>
      <div className="field">
        <Select.Label className={props.isBare === true ? 'unseen' : 'field-label'}>{props.label}</Select.Label>
        <Select.Trigger className="input choice">
          <Select.Value />
          <Select.Icon>
            <ChevronDown className="icon" aria-hidden />
          </Select.Icon>
        </Select.Trigger>
      </div>
      <Select.Portal>
        <Select.Positioner sideOffset={4} alignItemWithTrigger={false} className="layer">
          <Select.Popup className="popup menu">
            <Select.List>
              {items.map(({ value, label }) => (
                <Select.Item key={value} value={value} className="menu-item">
                  <Select.ItemText>{label}</Select.ItemText>
                  <Select.ItemIndicator className="menu-mark">
                    <Check className="icon" aria-hidden />
                  </Select.ItemIndicator>
                </Select.Item>
              ))}
            </Select.List>
          </Select.Popup>
        </Select.Positioner>
      </Select.Portal>
    </Select.Root>
  )
}
