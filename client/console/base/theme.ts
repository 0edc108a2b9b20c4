/**
 * Light or dark theme: the system's choice unless the reader chose another, which this browser remembers. The
 * preference is not secret, and it is the only value that the console stores in `localStorage`.
 */

/** The themes that a reader can choose. */
export const THEMES = ['system', 'light', 'dark'] as const
/** The name of a theme. */
export type Theme = (typeof THEMES)[number]

const NAME = 'mooring.theme'

/** Returns the stored choice; `system` if there is none. */
export function keptTheme(store: Pick<Storage, 'getItem'>): Theme {
  const kept = store.getItem(NAME)
  return THEMES.find(theme => theme === kept) ?? 'system'
}

/** Stores a choice and applies it. */
export function chooseTheme({ document, localStorage }: Window, theme: Theme): void {
  localStorage.setItem(NAME, theme)
  applyTheme(document, theme)
}

/** Applies a choice; the style sheet does the rest. */
export function applyTheme({ documentElement }: Document, theme: Theme): void {
  if (theme === 'system') delete documentElement.dataset['theme']
  else documentElement.dataset['theme'] = theme
}
