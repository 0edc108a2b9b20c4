/**
 * The command palette: Ctrl+K or ⌘K on any page. It opens pages and datasources, and changes the theme. Its content
 * loads when it is first opened.
 */
import { Search } from 'lucide-react'
import { lazy, Suspense, useEffect, useState } from 'react'

const Commands = lazy(async () => ({ default: (await import('./commands.tsx')).Commands }))

const isApple = () => /Mac|iPhone|iPad/.test(navigator.platform)

/** The button that opens the palette, and the palette while it is open. */
export function Palette() {
  const [isOpen, setIsOpen] = useState(false)
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey) return
      event.preventDefault()
      setIsOpen(open => !open)
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
  return (
    <>
      <button
        type="button"
        className="palette-button"
        onClick={() => setIsOpen(true)}
        aria-keyshortcuts="Control+K Meta+K"
      >
        <Search className="icon" aria-hidden />
        <span className="cut">Go to…</span>
        <kbd>{isApple() ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      {isOpen ? (
        <Suspense>
          <Commands onClose={() => setIsOpen(false)} />
        </Suspense>
      ) : null}
    </>
  )
}
