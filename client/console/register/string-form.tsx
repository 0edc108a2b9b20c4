/**
 * The form for a connection string. React does not control the field: its text is read when needed, is never put into
 * an attribute, state or storage of the page, and is cleared when it is sent.
 */
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { ProblemNotice, ProgressBar } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { readingOf, type StringReading } from '#client/console/secret/reading.ts'
import { SecretField } from '#client/console/secret/secret-field.tsx'
import { type Details, MoreDetails, NO_DETAILS, sentDetails } from './more-details.tsx'
import type { Registered } from './registered.ts'

/** The form, with what was parsed from it. */
export function StringForm({ onRegistered }: { onRegistered: (registered: Registered) => void }) {
  const field = useRef<HTMLInputElement>(null)
  const [reading, setReading] = useState<StringReading>({ state: 'empty' })
  const [details, setDetails] = useState<Details>(NO_DETAILS)
  const trpc = useTRPC()
  const register = useMutation(trpc.datasources.register.mutationOptions())
  const send = (event: FormEvent) => {
    event.preventDefault()
    const connectionString = field.current?.value ?? ''
    if (readingOf(connectionString).state !== 'read') return
    const onSuccess = ({ id, advisories }: Registered) => {
      if (field.current !== null) field.current.value = ''
      onRegistered({ id, advisories })
    }
    register.mutate({ connectionString, ...sentDetails(details) }, { onSuccess })
  }
  return (
    <Panel title="Connection string">
      <form className="stack" onSubmit={send} autoComplete="off">
        <SecretField field={field} reading={reading} onRead={setReading} />
        <TextField
          label="Name"
          maxLength={200}
          hint="Its name in lists. By default host and database."
          value={details.name}
          onChange={event => setDetails({ ...details, name: event.target.value })}
        />
        <MoreDetails details={details} onChange={setDetails} />
        {register.error === null ? null : <ProblemNotice error={register.error} />}
        {register.isPending ? <ProgressBar label="Sealing and registering" /> : null}
        <div>
          <Button type="submit" weight="primary" disabled={reading.state !== 'read'} isBusy={register.isPending}>
            Seal and register
          </Button>
        </div>
      </form>
    </Panel>
  )
}
