/**
 * The form for a signed endpoint: its address, and the key that requests are signed with. The key exists only in its
 * field, and is cleared when it is sent.
 */
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { ProblemNotice, ProgressBar } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { KeyField, SHORTEST_KEY } from '#client/console/secret/key-field.tsx'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import type { Registered } from './registered.ts'

/** The form. */
export function EndpointForm({ onRegistered }: { onRegistered: (registered: Registered) => void }) {
  const key = useRef<HTMLInputElement>(null)
  const [keyLength, setKeyLength] = useState(0)
  const [endpoint, setEndpoint] = useState('')
  const [name, setName] = useState('')
  const parsed = endpoint === '' ? null : parseEndpointUrl(endpoint)
  const mistake = parsed === null || parsed.ok ? undefined : parsed.message
  const { register, send } = useSending(key, onRegistered)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    send({ endpoint, ...(name.trim() === '' ? {} : { name: name.trim() }) })
  }
  return (
    <Panel title="Signed endpoint" about="Mooring sends signed requests to it and reads its events.">
      <form className="stack" onSubmit={submit} autoComplete="off">
        <TextField
          label="URL"
          placeholder="https://api.example.com/mooring"
          maxLength={2048}
          value={endpoint}
          mistake={mistake}
          onChange={event => setEndpoint(event.target.value)}
        />
        <KeyField
          label="Signing key"
          hint="At least eight characters. The endpoint checks signatures with the same key."
          field={key}
          onLength={setKeyLength}
        />
        <TextField label="Name" maxLength={200} value={name} onChange={event => setName(event.target.value)} />
        {register.error === null ? null : <ProblemNotice error={register.error} />}
        {register.isPending ? <ProgressBar label="Registering" /> : null}
        <Submit isReady={parsed?.ok === true && keyLength >= SHORTEST_KEY} isBusy={register.isPending} />
      </form>
    </Panel>
  )
}

function Submit({ isReady, isBusy }: { isReady: boolean; isBusy: boolean }) {
  return (
    <div>
      <Button type="submit" weight="primary" disabled={!isReady} isBusy={isBusy}>
        Register
      </Button>
    </div>
  )
}

/** Sends the registration with the key from its field, and clears the field. */
function useSending(key: { current: HTMLInputElement | null }, onRegistered: (registered: Registered) => void) {
  const trpc = useTRPC()
  const register = useMutation(trpc.datasources.register.mutationOptions())
  const send = (about: { endpoint: string; name?: string }) => {
    const onSuccess = ({ id, advisories }: Registered) => {
      if (key.current !== null) key.current.value = ''
      onRegistered({ id, advisories })
    }
    register.mutate({ ...about, signingKey: key.current?.value ?? '' }, { onSuccess })
  }
  return { register, send }
}
