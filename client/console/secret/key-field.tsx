/**
 * The field for a signing key. As with a connection string, React does not control it, and it is hidden from view and
 * from password managers. The caller learns only the length of the key.
 */
import { Field } from '#client/console/kit/field.tsx'
import '#client/console/styles/secret.css'

/** The shortest key that the server accepts. */
export const SHORTEST_KEY = 8

interface KeyFieldProps {
  readonly label: string
  readonly hint: string
  readonly field: { current: HTMLInputElement | null }
  readonly onLength: (length: number) => void
}

/** The field. `field` lets the caller read the key when it is sent. */
export function KeyField({ label, hint, field, onLength }: KeyFieldProps) {
  return (
    <Field label={label} hint={hint}>
      {tied => (
        <input
          {...tied}
          ref={field}
          type="text"
          className="input mono hidden"
          autoComplete="off"
          spellCheck={false}
          maxLength={512}
          onInput={event => onLength(event.currentTarget.value.length)}
        />
      )}
    </Field>
  )
}
