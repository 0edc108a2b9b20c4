/**
 * What few registrations need: the schema that is looked at, and a certificate of a private authority. A certificate goes into the
 * sealed box, beside the string.
 */
import { useId } from 'react'
import { Field, TextField } from '#client/console/kit/field.tsx'

/** What was typed. */
export interface Details {
  readonly name: string
  readonly schema: string
  readonly caCertificate: string
}

/** Nothing typed. */
export const NO_DETAILS: Details = { name: '', schema: '', caCertificate: '' }

/** What is sent: an empty field is left out. */
export function sentDetails({ name, schema, caCertificate }: Details) {
  return {
    ...(name.trim() === '' ? {} : { name: name.trim() }),
    ...(schema === '' ? {} : { schema }),
    ...(caCertificate.trim() === '' ? {} : { caCertificate }),
  }
}

/** The fields, folded away. */
export function MoreDetails({ details, onChange }: { details: Details; onChange: (details: Details) => void }) {
  const id = useId()
  return (
    <details className="more">
      <summary id={id}>Schema and certificate</summary>
      <div className="stack">
        <TextField
          label="Schema"
          maxLength={63}
          hint="The one schema that the role reads. Without it, all that it may."
          value={details.schema}
          onChange={event => onChange({ ...details, schema: event.target.value })}
        />
        <Field label="CA certificate" hint="PEM, if the server’s certificate is of an authority of your own.">
          {tied => (
            <textarea
              {...tied}
              className="input mono"
              spellCheck={false}
              placeholder="-----BEGIN CERTIFICATE-----"
              value={details.caCertificate}
              onChange={event => onChange({ ...details, caCertificate: event.target.value })}
            />
          )}
        </Field>
      </div>
    </details>
  )
}
