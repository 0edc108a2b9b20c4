/**
 * The console as a whole: the session, the cache, the API and the router, and the sign-in for as long as nobody is signed in.
 * `main.tsx` starts it.
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

/** What the page was opened with. */
export interface Opening {
  /** The installation's base address. */
  readonly url: string
  readonly session: TabSession
  /** The terminal's code, which is no longer in the address. */
  readonly code: string | null
}

/** Everything, with its providers. */
export function App({ url, session, code }: Opening) {
  const [client] = useState(() => createClient({ url, key: () => session.current()?.key ?? 'none' }))
  const [queries] = useState(() => createQueryClient(() => session.end()))
  return (
    // No component may add a style element: the page's policy has no room for one.
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

/** A router for each session: nothing of one that has ended is left in it. */
function SignedInPages() {
  const [router] = useState(createConsoleRouter)
  return <RouterProvider router={router} />
}
