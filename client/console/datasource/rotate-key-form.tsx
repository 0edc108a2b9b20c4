/**
 * Replaces the signing key of an endpoint. The new key comes into force once the endpoint has answered a request signed
 * with it.
 */
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { type DatasourceItem, useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { Notice, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { KeyField, SHORTEST_KEY } from '#client/console/secret/key-field.tsx'

/** The form. */
export function RotateKeyForm({ datasource: { id } }: { datasource: DatasourceItem }) {
  const field = useRef<HTMLInputElement>(null)
  const [length, setLength] = useState(0)
  const trpc = useTRPC()
  const rotate = useMutation(trpc.datasources.rotateKey.mutationOptions())
  const send = (event: FormEvent) => {
    event.preventDefault()
    const onSuccess = () => {
      if (field.current !== null) field.current.value = ''
      setLength(0)
    }
    rotate.mutate({ id, signingKey: field.current?.value ?? '' }, { onSuccess })
  }
  return (
    <Panel
      title="Rotate the signing key"
      about="The key in force stays until the endpoint has answered with the new one."
    >
      <form className="stack" onSubmit={send} autoComplete="off">
        <KeyField label="New signing key" hint="At least eight characters." field={field} onLength={setLength} />
        {rotate.error === null ? null : <ProblemNotice error={rotate.error} />}
        {rotate.isSuccess ? (
          <Notice tone="good" title="The key is stored. Mooring is checking the endpoint with it." />
        ) : null}
        <div>
          <Button type="submit" disabled={length < SHORTEST_KEY} isBusy={rotate.isPending}>
            Rotate
          </Button>
        </div>
      </form>
    </Panel>
  )
}
