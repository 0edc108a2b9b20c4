/**
 * The choice between the system's theme, light and dark. This
 * browser remembers it, and it takes effect at once.
 */
import { Monitor, Moon, Sun } from 'lucide-react'
import { useState } from 'react'
import { chooseTheme, keptTheme, THEMES, type Theme } from '#client/console/base/theme.ts'

const ICONS = { system: Monitor, light: Sun, dark: Moon } as const
const NAMES = { system: 'System theme', light: 'Light theme', dark: 'Dark theme' } as const

/** Three buttons, one of which is pressed. */
export function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(() => keptTheme(localStorage))
  const choose = (next: Theme) => {
    chooseTheme(window, next)
    setTheme(next)
  }
  return (
    <fieldset className="themes">
      <legend className="unseen">Theme</legend>
      {THEMES.map(one => {
        const Icon = ICONS[one]
        return (
          <button
            key={one}
            type="button"
            className="theme"
            aria-pressed={theme === one}
            aria-label={NAMES[one]}
            title={NAMES[one]}
            onClick={() => choose(one)}
          >
            <Icon className="icon" aria-hidden />
          </button>
        )
      })}
    </fieldset>
  )
}
