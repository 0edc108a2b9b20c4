/**
 * Entry of the console in the browser. It takes the code out of the address before anything else, applies the theme before
 * the first paint, and starts the page.
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
  // A code is there to be used: who was signed in before is not asked.
  if (code !== null) session.end()
  root.render(
    <StrictMode>
      <App key={code} url={installationUrl(document.baseURI)} session={session} code={code} />
    </StrictMode>,
  )
}

// The terminal's link in a tab that is open changes the fragment alone. These listen before the router does.
for (const changed of ['popstate', 'hashchange'])
  window.addEventListener(changed, event => {
    const code = takeCode(window)
    if (code === null) return
    event.stopImmediatePropagation()
    open(code)
  })
open(first)
