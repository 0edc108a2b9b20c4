/**
 * The root of the console: session, cache, API and router, and the sign-in page while nobody is signed in. Started by
 * `main.tsx`.
 */
import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useState } from 'react'
import { createQueryClient, TRPCProvider } from '#client/console/api/trpc.ts'
import type { TabSession } from '#client/console/base/session.ts'
import { SessionProvider, useSignedIn } from '#client/console/base/session-context.tsx'
import { SignIn } from '#client/console/sign-in/sign-in.tsx'
import { createClient } from '#client/index.ts'
import { createConsoleRouter } from './routes.tsx'

/** The parameters that the page was opened with. */
export interface Opening {
  /** The base address of the installation. */
  readonly url: string
  readonly session: TabSession
  /** The code from the terminal, which has been removed from the address; null if there was none. */
  readonly code: string | null
}

/** The console with all of its providers. */
export function App({ url, session, code }: Opening) {
  const [client] = useState(() => createClient({ url, key: () => session.current()?.key ?? 'none' }))
  const [queries] = useState(() => createQueryClient(() => session.end()))
  return (
    // No component may add a style element, because the page's content security policy forbids it.
    <CSPProvider disableStyleElements>
      <SessionProvider session={session}>
        <QueryClientProvider client={queries}>
          <TRPCProvider trpcClient={client} queryClient={queries}>
            <Pages url={url} code={code} />
          </TRPCProvider>
        </QueryClientProvider>
      </SessionProvider>
    </CSPProvider>
  )
}

function Pages({ url, code }: { url: string; code: string | null }) {
  const signedIn = useSignedIn()
  const [unspent, setUnspent] = useState(code)
  if (signedIn !== null) return <SignedInPages key={signedIn.key} />
  return <SignIn url={url} code={unspent} onCodeSpent={() => setUnspent(null)} />
}

/** Creates a router for each session, so that nothing of a previous session remains. */
function SignedInPages() {
  const [router] = useState(createConsoleRouter)
  return <RouterProvider router={router} />
}
