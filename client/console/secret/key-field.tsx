/**
 * The field of a signing key, like that of a connection string: not React's, hidden, and known to no password manager. The caller is
 * told how long the key is, and nothing else of it.
 */
import { Field } from '#client/console/kit/field.tsx'
import '#client/console/styles/secret.css'

/** The shortest key that the server takes. */
export const SHORTEST_KEY = 8

interface KeyFieldProps {
  readonly label: string
  readonly hint: string
  readonly field: { current: HTMLInputElement | null }
  readonly onLength: (length: number) => void
}

/** The field. `field` is where the caller finds the key when it is sent. */
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
