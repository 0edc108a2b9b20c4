/**
 * Light or dark: the system's choice unless the reader made another, which this browser keeps. A preference is no secret,
 * and the only thing that the console puts into `localStorage`.
 */

/** What a reader can choose. */
export const THEMES = ['system', 'light', 'dark'] as const
/** One choice. */
export type Theme = (typeof THEMES)[number]

const NAME = 'mooring.theme'

/** The choice that is kept. */
export function keptTheme(store: Pick<Storage, 'getItem'>): Theme {
  const kept = store.getItem(NAME)
  return THEMES.find(theme => theme === kept) ?? 'system'
}

/** Keeps a choice, and applies it. */
export function chooseTheme({ document, localStorage }: Window, theme: Theme): void {
  localStorage.setItem(NAME, theme)
  applyTheme(document, theme)
}

/** Applies a choice; the style sheet does the rest. */
export function applyTheme({ documentElement }: Document, theme: Theme): void {
  if (theme === 'system') delete documentElement.dataset['theme']
  else documentElement.dataset['theme'] = theme
}
