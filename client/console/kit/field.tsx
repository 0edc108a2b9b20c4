/**
 * Fields of forms: a label above, a hint or a mistake below, tied to the field for screen readers.
 * Inputs are the browser's own; what the browser lacks comes from Base UI.
 */
import { Select } from '@base-ui/react/select'
import { Check, ChevronDown } from 'lucide-react'
import { type ComponentProps, type ReactNode, useId } from 'react'

interface Labelled {
  readonly label: string
  readonly hint?: ReactNode
  /** A mistake to be put right; the field is marked as invalid. */
  readonly mistake?: ReactNode
}

/** What a field is given, to be tied to its label and its hint. */
export interface Tied {
  readonly id: string
  readonly 'aria-describedby': string
  readonly 'aria-invalid': boolean | undefined
}

/** Label, hint and mistake around any control. */
export function Field({ label, hint, mistake, children }: Labelled & { children: (tied: Tied) => ReactNode }) {
  const id = useId()
  const isWrong = mistake !== undefined && mistake !== null
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': `${id}-about`, 'aria-invalid': isWrong || undefined })}
      <p
        id={`${id}-about`}
        className={isWrong ? 'field-about wrong' : 'field-about'}
        role={isWrong ? 'alert' : undefined}
      >
        {isWrong ? mistake : hint}
      </p>
    </div>
  )
}

/** One line of text. */
export function TextField({ label, hint, mistake, ...rest }: Labelled & Omit<ComponentProps<'input'>, 'className'>) {
  return (
    <Field label={label} hint={hint} mistake={mistake}>
      {tied => <input type="text" autoComplete="off" spellCheck={false} {...rest} {...tied} className="input" />}
    </Field>
  )
}

/** An option of a choice. */
export interface Option<T extends string> {
  readonly value: T
  readonly label: string
}

/** One of a few options. */
export function Choice<T extends string>(of: {
  label: string
  value: T
  options: readonly Option<T>[]
  onChange: (value: T) => void
  /** The label is only heard. */
  isBare?: boolean
}) {
  const items = [...of.options]
  return (
    <Select.Root items={items} value={of.value} onValueChange={value => value !== null && of.onChange(value)}>
      <div className="field">
        <Select.Label className={of.isBare === true ? 'unseen' : 'field-label'}>{of.label}</Select.Label>
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
