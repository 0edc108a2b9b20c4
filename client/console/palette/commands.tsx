/**
 * The commands of the palette: pages, themes, and
 * datasources whose name begins with the typed text.
 */
import { Autocomplete } from '@base-ui/react/autocomplete'
import { Dialog } from '@base-ui/react/dialog'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTRPC } from '#client/console/api/trpc.ts'
import { chooseTheme } from '#client/console/base/theme.ts'
import { placeOf } from '#client/console/datasources/state.tsx'
import '#client/console/styles/palette.css'

interface Command {
  readonly value: string
  readonly label: string
  readonly about: string
  readonly run: () => void
}

/** The open palette. */
export function Commands({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState('')
  const fixed = useFixed()
  const found = useFound(typed)
  const words = typed.trim().toLowerCase()
  const commands = [...fixed.filter(({ label }) => label.toLowerCase().includes(words)), ...found]
  return (
    <Dialog.Root open onOpenChange={open => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="scrim" />
        <Dialog.Popup className="dialog palette" aria-label="Go to">
          <Autocomplete.Root
            open
            inline
            items={commands}
            filter={null}
            value={typed}
            onValueChange={setTyped}
            itemToStringValue={(command: Command) => command.label}
            autoHighlight="always"
            keepHighlight
          >
            <Autocomplete.Input
              className="palette-input"
              aria-label="A page, a datasource or a theme"
              placeholder="A page, a datasource, a theme"
            />
            <Dialog.Close className="unseen">Close</Dialog.Close>
            <Autocomplete.Empty className="palette-empty soft">No matches.</Autocomplete.Empty>
            <Autocomplete.List className="palette-list">
              {(command: Command) => <Offer key={command.value} command={command} onClose={onClose} />}
            </Autocomplete.List>
          </Autocomplete.Root>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Offer({ command, onClose }: { command: Command; onClose: () => void }) {
  const take = () => {
    onClose()
    command.run()
  }
  return (
    <Autocomplete.Item value={command} className="menu-item" onClick={take}>
      <span className="cut">{command.label}</span>
      <span className="faint small cut">{command.about}</span>
    </Autocomplete.Item>
  )
}

function useFixed(): readonly Command[] {
  const navigate = useNavigate()
  const page = (label: string, run: () => Promise<void>): Command => ({
    value: label,
    label,
    about: 'page',
    run: () => void run(),
  })
  const theme = (label: string, choice: 'system' | 'light' | 'dark'): Command => {
    return { value: label, label, about: 'theme', run: () => chooseTheme(window, choice) }
  }
  return [
    page('Datasources', () => navigate({ to: '/datasources' })),
    page('Register a database', () => navigate({ to: '/register' })),
    page('Overview', () => navigate({ to: '/overview' })),
    page('API keys', () => navigate({ to: '/organization', search: { tab: 'keys' } })),
    page('Capabilities', () => navigate({ to: '/organization', search: { tab: 'capabilities' } })),
    page('Audit', () => navigate({ to: '/organization', search: { tab: 'audit' } })),
    page('Limits and usage', () => navigate({ to: '/organization', search: { tab: 'usage' } })),
    theme('Dark theme', 'dark'),
    theme('Light theme', 'light'),
    theme('System theme', 'system'),
  ]
}

const SHOWN = 8

/** Returns commands for the datasources whose name begins with the typed text. */
function useFound(typed: string): readonly Command[] {
  const trpc = useTRPC()
  const navigate = useNavigate()
  const namePrefix = typed.trim()
  const input = { limit: SHOWN, ...(namePrefix === '' ? {} : { namePrefix }) }
  const { data } = useQuery(trpc.datasources.list.queryOptions(input, { placeholderData: keepPreviousData }))
  return (data?.items ?? []).map(datasource => ({
    value: datasource.id,
    label: datasource.name,
    about: placeOf(datasource),
    run: () => void navigate({ to: '/datasources/$id', params: { id: datasource.id } }),
  }))
}
