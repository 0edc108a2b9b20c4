/**
 * Replaces the connection string of a datasource. The new string is checked first and comes into force if it passes;
 * until then the current one stays in force. The string exists only in its field, is sealed in this page, and is
 * cleared from the field when it is sent.
 */
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { Notice, ProblemNotice, ProgressBar } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { readingOf, type StringReading } from '#client/console/secret/reading.ts'
import { SecretField } from '#client/console/secret/secret-field.tsx'

/** The form. */
export function RotateStringForm({ datasource: { id, credentialVersion } }: { datasource: DatasourceItem }) {
  const field = useRef<HTMLInputElement>(null)
  const [reading, setReading] = useState<StringReading>({ state: 'empty' })
  const [isMove, setIsMove] = useState(false)
  const trpc = useTRPC()
  const rotate = useMutation(trpc.datasources.rotate.mutationOptions())
  const send = (event: FormEvent) => {
    event.preventDefault()
    const connectionString = field.current?.value ?? ''
    if (readingOf(connectionString).state !== 'read') return
    const onSuccess = () => {
      if (field.current !== null) field.current.value = ''
      setReading({ state: 'empty' })
    }
    rotate.mutate({ id, connectionString, ...(isMove ? { allowMove: true } : {}), waitSeconds: 20 }, { onSuccess })
  }
  return (
    <Panel
      title="Rotate the credential"
      about={`Version ${credentialVersion} stays in force until the new one has passed.`}
    >
      <form className="stack" onSubmit={send} autoComplete="off">
        <SecretField field={field} reading={reading} onRead={setReading} />
        <label className="checkbox">
          <input type="checkbox" checked={isMove} onChange={event => setIsMove(event.target.checked)} />
          The database has moved to another host or name
        </label>
        {rotate.error === null ? null : <ProblemNotice error={rotate.error} />}
        {rotate.isPending ? <ProgressBar label="Sealed; a worker is checking it" /> : null}
        {rotate.data === undefined || rotate.isPending ? null : <InForce datasource={rotate.data} />}
        <div>
          <Button type="submit" disabled={reading.state !== 'read'} isBusy={rotate.isPending}>
            Seal and rotate
          </Button>
        </div>
      </form>
    </Panel>
  )
}

function InForce({ datasource: { statusReason, credentialVersion } }: { datasource: DatasourceItem }) {
  return (
    <Notice tone={statusReason === null ? 'good' : 'warn'} title={`Version ${credentialVersion} is in force`}>
      {statusReason === null ? undefined : (
        <p>
          The last check ended with <code>{statusReason}</code>; the checks say what to do.
        </p>
      )}
    </Notice>
  )
}
