/**
 * Form fields: a label above, and a hint or an error below, linked to the field for screen readers. Inputs are those of
 * the browser; `choice.tsx` has the controls that browsers lack.
 */
import { type ComponentProps, type ReactNode, useId } from 'react'

interface Labelled {
  readonly label: string
  readonly hint?: ReactNode
  /** An error to correct; the field is marked as invalid. */
  readonly mistake?: ReactNode
}

/** The attributes that link a control to its label and hint. */
export interface Tied {
  readonly id: string
  readonly 'aria-describedby': string
  readonly 'aria-invalid': boolean | undefined
}

/** Label, hint and error around any control. */
export function Field({ label, hint, mistake, children }: Labelled & { children: (tied: Tied) => ReactNode }) {
  const id = useId()
  const isWrong = mistake !== undefined && mistake !== null
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': `${id}-about`, 'aria-invalid': isWrong || undefined })}
      {hint === undefined && !isWrong ? null : (
        <p
          id={`${id}-about`}
          className={isWrong ? 'field-about wrong' : 'field-about'}
          role={isWrong ? 'alert' : undefined}
        >
          {isWrong ? mistake : hint}
        </p>
      )}
    </div>
  )
}

/** A single line of text. */
export function TextField({ label, hint, mistake, ...rest }: Labelled & Omit<ComponentProps<'input'>, 'className'>) {
  return (
    <Field label={label} hint={hint} mistake={mistake}>
      {tied => <input type="text" autoComplete="off" spellCheck={false} {...rest} {...tied} className="input" />}
    </Field>
  )
}
