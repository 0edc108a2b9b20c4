/**
 * The session, for components, and the time that is now, for all of them at once: one clock ticks for the whole page, so that
 * a thousand relative times cost one timer. Provided by `app.tsx`.
 */
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import type { SignedIn, TabSession } from './session.ts'

const SessionContext = createContext<TabSession | null>(null)
const NowContext = createContext<number>(0)

const TICK_MS = 10_000

/** Gives the session and the clock to what is inside. */
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

/** The session of this tab. */
export function useSession(): TabSession {
  const session = useContext(SessionContext)
  if (session === null) throw new Error('no session is provided')
  return session
}

/** Who is signed in; null for nobody. */
export function useSignedIn(): SignedIn | null {
  const session = useSession()
  return useSyncExternalStore(session.listen, session.current)
}

/** The time that is now. Whoever asks is rendered anew every ten seconds. */
export function useNow(): number {
  // Never the time of the last tick: what happened since then would be still to come.
  return Math.max(useContext(NowContext), Date.now())
}
