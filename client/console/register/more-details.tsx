/**
 * Options that few registrations need: the schema to inspect, and the certificate of a private authority. The
 * certificate goes into the sealed box together with the string.
 */
import { useId } from 'react'
import { Field, TextField } from '#client/console/kit/field.tsx'

/** The typed values. */
export interface Details {
  readonly name: string
  readonly schema: string
  readonly caCertificate: string
}

/** The values of an empty form. */
export const NO_DETAILS: Details = { name: '', schema: '', caCertificate: '' }

/** Returns the fields to send; empty ones are left out. */
export function sentDetails({ name, schema, caCertificate }: Details) {
  return {
    ...(name.trim() === '' ? {} : { name: name.trim() }),
    ...(schema === '' ? {} : { schema }),
    ...(caCertificate.trim() === '' ? {} : { caCertificate }),
  }
}

/** The fields, collapsed at first. */
export function MoreDetails({ details, onChange }: { details: Details; onChange: (details: Details) => void }) {
  const id = useId()
  return (
    <details className="more">
      <summary id={id}>Schema and certificate</summary>
      <div className="stack">
        <TextField
          label="Schema"
          maxLength={63}
          hint="The one schema to read. Without it, every schema that the role may read."
          value={details.schema}
          onChange={event => onChange({ ...details, schema: event.target.value })}
        />
        <Field label="CA certificate" hint="PEM, if a private authority issued the server’s certificate.">
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
