/**
 * Signs in with an API key or a capability, which stays in this tab, or with the code that a local installation prints
 * to its terminal. A code is sent only when somebody presses the button.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { useSession } from '#client/console/base/session-context.tsx'
import { Button } from '#client/console/kit/button.tsx'
import { Notice, ProblemNotice } from '#client/console/kit/feedback.tsx'
import { TextField } from '#client/console/kit/field.tsx'
import { Mark } from '#client/console/shell/shell.tsx'
import { createClient } from '#client/index.ts'
import { recognise } from '#shared/access/token.ts'

/** The page for signing in. `code` is the code from the terminal; null if the address contained none. */
export function SignIn({ url, code, onCodeSpent }: { url: string; code: string | null; onCodeSpent: () => void }) {
  const [isLocal, setIsLocal] = useState(code !== null)
  return (
    <main className="sign-in">
      <title>Sign in · Mooring</title>
      <div className="sign-in-card">
        <header className="sign-in-head">
          <Mark />
          <div>
            <h1>Mooring</h1>
            <p className="soft">Where your customers’ databases tie up.</p>
          </div>
        </header>
        {isLocal && code !== null ? (
          <WithCode code={code} onSpent={onCodeSpent} onOther={() => setIsLocal(false)} />
        ) : (
          <WithKey url={url} />
        )}
      </div>
    </main>
  )
}

function WithCode({ code, onSpent, onOther }: { code: string; onSpent: () => void; onOther: () => void }) {
  const session = useSession()
  const trpc = useTRPC()
  const queries = useQueryClient()
  const signIn = useMutation(
    trpc.local.signIn.mutationOptions({
      onSuccess: ({ key, keyId }) => {
        queries.clear()
        onSpent()
        session.begin({ key, ownKeyId: keyId })
      },
    }),
  )
  return (
    <div className="stack">
      <p className="soft">
        This installation runs on your machine. The console gets a key of its own, in test mode, for twelve hours.
      </p>
      {signIn.error === null ? null : <ProblemNotice error={signIn.error} />}
      {signIn.error === null ? null : (
        <p className="soft">
          A code works once, for five minutes. For a new one: <code>npm run -s mooring -- console</code>
        </p>
      )}
      <Button weight="primary" autoFocus isBusy={signIn.isPending} onClick={() => signIn.mutate({ code })}>
        Open the console
      </Button>
      <Button weight="quiet" onClick={onOther}>
        Use an API key instead
      </Button>
    </div>
  )
}

function WithKey({ url }: { url: string }) {
  const [key, setKey] = useState('')
  const [mistake, setMistake] = useState<string | null>(null)
  const trial = useTrial(url)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const wrong = mistakeIn(key.trim())
    setMistake(wrong)
    if (wrong === null) trial.mutate(key.trim())
  }
  return (
    <form className="stack" onSubmit={submit}>
      <TextField
        label="API key"
        type="password"
        name="key"
        required
        autoFocus
        placeholder="sk_test_…"
        value={key}
        mistake={mistake}
        hint="A key or a capability. It stays in this tab and is forgotten with it."
        onChange={event => setKey(event.target.value)}
      />
      {trial.error === null ? null : <ProblemNotice error={trial.error} />}
      <Button type="submit" weight="primary" icon={<KeyRound className="icon" aria-hidden />} isBusy={trial.isPending}>
        Sign in
      </Button>
      <Notice title="On your own machine">
        <p>
          <code>npm run -s mooring -- console</code> prints a link that signs you in.
        </p>
      </Notice>
    </form>
  )
}

/** Tries a key with a client of its own, and keeps it only if the installation accepts it. */
function useTrial(url: string) {
  const session = useSession()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (key: string) => createClient({ url, key, retries: 0 }).organization.current.query(),
    onSuccess: (_, key) => {
      queries.clear()
      session.begin({ key, ownKeyId: null })
    },
  })
}

/** Returns the mistake in a key before it is sent: the checksum detects a typo. */
function mistakeIn(key: string): string | null {
  if (key === '') return 'Paste a key.'
  if (/^postgres(ql)?:/i.test(key)) return 'This is a connection string. It is registered after you have signed in.'
  return recognise(key) === null ? 'This is not a key: a key begins with sk_ or rk_. Copy all of it.' : null
}
