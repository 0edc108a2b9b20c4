/**
 * The frame around every page after signing in: navigation, account, connection state, and a link that skips to the
 * content for keyboard users. `routes.tsx` puts the pages into it.
 */
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Activity, Building2, Database, WifiOff } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { useConnection } from '#client/console/api/live.tsx'
import { Account } from './account.tsx'
import { ThemeChoice } from './theme-choice.tsx'

const PLACES = [
  { to: '/overview', name: 'Overview', Icon: Activity },
  { to: '/datasources', name: 'Datasources', Icon: Database },
  { to: '/organization', name: 'Organization', Icon: Building2 },
] as const

/** The frame. */
export function ConsoleFrame({ palette }: { palette: ReactNode }) {
  const main = useRef<HTMLElement>(null)
  useTitleFocus(main)
  return (
    <div className="shell">
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <aside className="side">
        <Link to="/datasources" className="brand">
          <Mark />
          Mooring
        </Link>
        {palette}
        <nav aria-label="Console">
          <ul className="nav">
            {PLACES.map(({ to, name, Icon }) => (
              <li key={to}>
                <Link to={to} className="nav-item" activeProps={{ 'aria-current': 'page' }}>
                  <Icon className="icon" aria-hidden />
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <div className="side-foot">
          <Account />
          <ThemeChoice />
        </div>
      </aside>
      <main ref={main} tabIndex={-1} className="main">
        <AwayBanner />
        <Outlet />
      </main>
    </div>
  )
}

/** Focuses the title after a change of page, as after a load, so that a screen reader announces the page. */
function useTitleFocus(main: { readonly current: HTMLElement | null }): void {
  const path = useRouterState({ select: state => state.resolvedLocation?.pathname })
  const before = useRef(path)
  useEffect(() => {
    if (before.current !== undefined && before.current !== path) main.current?.querySelector('h1')?.focus()
    before.current = path
  }, [main, path])
}

function AwayBanner() {
  const isAway = useConnection() === 'away'
  return (
    <div role="status" className={isAway ? 'away shown' : 'away'}>
      {isAway ? (
        <>
          <WifiOff className="icon" aria-hidden /> Connection lost. You see the last loaded state until it is back.
        </>
      ) : null}
    </div>
  )
}

/** The logo of Mooring: an anchor. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <rect width="32" height="32" rx="8" className="mark-ground" />
      <path
        d="M16 9v14M11.5 13.5h9M8 18c.8 3.4 4 5.4 8 5.4s7.2-2 8-5.4"
        stroke="currentColor"
        strokeWidth="2.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="16" cy="7.6" r="2" stroke="currentColor" strokeWidth="2" />
    </svg>
  )
}
