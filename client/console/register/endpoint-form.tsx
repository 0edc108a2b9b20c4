/**
 * The form of a signed endpoint: where it answers, and the key that requests are signed with. The key is kept in its field alone, and
 * is gone from it when it was sent.
 */
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { Button } from '#client/console/kit/button.tsx'
import { ProblemNotice, Progress } from '#client/console/kit/feedback.tsx'
import { Field, TextField } from '#client/console/kit/field.tsx'
import { Panel } from '#client/console/kit/panel.tsx'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import type { Registered } from './register.tsx'

const SHORTEST_KEY = 8

/** The form. */
export function EndpointForm({ onRegistered }: { onRegistered: (registered: Registered) => void }) {
  const key = useRef<HTMLInputElement>(null)
  const [keyLength, setKeyLength] = useState(0)
  const [endpoint, setEndpoint] = useState('')
  const [name, setName] = useState('')
  const trpc = useTRPC()
  const register = useMutation(trpc.datasources.register.mutationOptions())
  const parsed = endpoint === '' ? null : parseEndpointUrl(endpoint)
  const mistake = parsed === null || parsed.ok ? undefined : parsed.message
  const send = (event: FormEvent) => {
    event.preventDefault()
    const signingKey = key.current?.value ?? ''
    const onSuccess = ({ id, advisories }: Registered) => {
      if (key.current !== null) key.current.value = ''
      onRegistered({ id, advisories })
    }
    register.mutate({ endpoint, signingKey, ...(name.trim() === '' ? {} : { name: name.trim() }) }, { onSuccess })
  }
  return (
    <Panel title="Signed endpoint" about="Mooring sends signed requests to it and reads its events.">
      <form className="stack" onSubmit={send} autoComplete="off">
        <TextField
          label="URL"
          placeholder="https://api.example.com/mooring"
          maxLength={2048}
          value={endpoint}
          mistake={mistake}
          onChange={event => setEndpoint(event.target.value)}
        />
        <Field label="Signing key" hint="At least eight characters. The endpoint checks signatures with the same key.">
          {tied => (
            <input
              {...tied}
              ref={key}
              type="text"
              className="input mono hidden"
              autoComplete="off"
              spellCheck={false}
              maxLength={512}
              onInput={event => setKeyLength(event.currentTarget.value.length)}
            />
          )}
        </Field>
        <TextField label="Name" maxLength={200} value={name} onChange={event => setName(event.target.value)} />
        {register.error === null ? null : <ProblemNotice error={register.error} />}
        {register.isPending ? <Progress label="Registering" /> : null}
        <div>
          <Button
            type="submit"
            weight="primary"
            disabled={parsed?.ok !== true || keyLength < SHORTEST_KEY}
            isBusy={register.isPending}
          >
            Register
          </Button>
        </div>
      </form>
    </Panel>
  )
}
