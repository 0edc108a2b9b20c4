/**
 * A choice between a few options with the browser's own control, whose label is available only to screen readers. It
 * keeps the first page small; elsewhere, `choice.tsx` has a label above it and looks like the other fields when open.
 */
import { ChevronDown } from 'lucide-react'

/** An option of a choice. */
export interface ChoiceOption<T extends string> {
  readonly value: T
  readonly label: string
}

interface PlainChoiceProps<T extends string> {
  readonly label: string
  readonly value: T
  readonly options: readonly ChoiceOption<T>[]
  readonly onChange: (value: T) => void
}

/** The control. */
export function PlainChoice<T extends string>({ label, value, options, onChange }: PlainChoiceProps<T>) {
  const choose = (text: string) => {
    const option = options.find(one => one.value === text)
    if (option !== undefined) onChange(option.value)
  }
  return (
    <div className="plain-choice">
      <select className="input" aria-label={label} value={value} onChange={event => choose(event.target.value)}>
        {options.map(option => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <ChevronDown className="icon" aria-hidden />
    </div>
  )
}
