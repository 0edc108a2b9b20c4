/**
 * Provides the session and the current time to components. One clock ticks for the whole page, so a thousand relative
 * times cost one timer. Provided by `app.tsx`.
 */
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import type { SignedIn, TabSession } from './session.ts'

const SessionContext = createContext<TabSession | null>(null)
const NowContext = createContext<number>(0)

const TICK_MS = 10_000

/** Provides the session and the clock to its children. */
export function SessionProvider({ session, children }: { session: TabSession; children: ReactNode }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS)
    return () => clearInterval(timer)
  }, [])
  return (
    <SessionContext value={session}>
      <NowContext value={now}>{children}</NowContext>
    </SessionContext>
  )
}

/** Returns the session of this tab. */
export function useSession(): TabSession {
  const session = useContext(SessionContext)
  if (session === null) throw new Error('no session is provided')
  return session
}

/** Returns the signed-in key; null if nobody is signed in. */
export function useSignedIn(): SignedIn | null {
  const session = useSession()
  return useSyncExternalStore(session.listen, session.current)
}

/** Returns the current time in epoch milliseconds. The calling component renders again every ten seconds. */
export function useNow(): number {
  // Not the time of the last tick: anything that happened since then would appear to be in the future.
  return Math.max(useContext(NowContext), Date.now())
}
