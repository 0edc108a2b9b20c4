/**
 * Dialogs: a question or a form over the page. Focus stays inside and then returns to where it was; Escape closes the
 * dialog. An action that cannot be undone requires a typed word.
 */
import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Button, IconButton } from './button.tsx'
import { ProblemNotice } from './feedback.tsx'
import { TextField } from './field.tsx'

/** A dialog that is shown while `isOpen` is true. */
export function Dialog(of: {
  isOpen: boolean
  onClose: () => void
  title: string
  about?: ReactNode
  isWide?: boolean
  children: ReactNode
}) {
  return (
    <Base.Root open={of.isOpen} onOpenChange={open => !open && of.onClose()}>
      <Base.Portal>
        <Base.Backdrop className="scrim" />
        <Base.Popup className={of.isWide === true ? 'dialog wide' : 'dialog'}>
          <header className="dialog-head">
            <Base.Title>{of.title}</Base.Title>
            <Base.Close render={<IconButton label="Close" />}>
              <X className="icon" aria-hidden />
            </Base.Close>
          </header>
          {of.about === undefined ? null : <Base.Description className="soft">{of.about}</Base.Description>}
          {of.children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

/** Requires a typed word before an action that cannot be undone. */
export function TypedConfirmation(of: {
  isOpen: boolean
  onClose: () => void
  title: string
  about: ReactNode
  word: string
  action: string
  isBusy: boolean
  error: unknown
  onConfirm: () => void
}) {
  const [typed, setTyped] = useState('')
  return (
    <Dialog isOpen={of.isOpen} onClose={of.onClose} title={of.title} about={of.about}>
      <form
        className="stack"
        onSubmit={event => {
          event.preventDefault()
          if (typed === of.word) of.onConfirm()
        }}
      >
        <TextField
          label={`Type ${of.word} to confirm`}
          value={typed}
          onChange={event => setTyped(event.target.value)}
        />
        {of.error === null ? null : <ProblemNotice error={of.error} />}
        <div className="dialog-foot">
          <Button onClick={of.onClose}>Cancel</Button>
          <Button type="submit" weight="danger" disabled={typed !== of.word} isBusy={of.isBusy}>
            {of.action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
