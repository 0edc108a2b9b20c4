/**
 * The entry of the console in the browser. It removes the code from the address before anything else, applies the theme
 * before the first paint, and starts the page.
 */
import '@fontsource-variable/geist/wght.css'
import '@fontsource-variable/geist-mono/wght.css'
import '#client/console/styles/tokens.css'
import '#client/console/styles/base.css'
import '#client/console/styles/kit.css'
import '#client/console/styles/layout.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { installationUrl, takeCode } from '#client/console/base/address.ts'
import { TabSession } from '#client/console/base/session.ts'
import { applyTheme, keptTheme } from '#client/console/base/theme.ts'
import { App } from './app.tsx'

const first = takeCode(window)
applyTheme(document, keptTheme(localStorage))
const session = new TabSession(sessionStorage)
const place = document.getElementById('root')
if (place === null) throw new Error('the page has no place for the console')
const root = createRoot(place)

function open(code: string | null): void {
  // A code is meant to be used, so it replaces the session of anybody who was signed in.
  if (code !== null) session.end()
  root.render(
    <StrictMode>
      <App key={code} url={installationUrl(document.baseURI)} session={session} code={code} />
    </StrictMode>,
  )
}

// In an open tab, the terminal's link changes only the fragment. These listeners run before the router's.
for (const changed of ['popstate', 'hashchange'])
  window.addEventListener(changed, event => {
    const code = takeCode(window)
    if (code === null) return
    event.stopImmediatePropagation()
    open(code)
  })
open(first)
