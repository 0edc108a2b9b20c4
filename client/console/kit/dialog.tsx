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
export function Dialog({
  isOpen,
  onClose,
  isWide,
  title,
  about,
  children,
}: {
  isOpen: boolean
  onClose: () => void
  title: string
  about?: ReactNode
  isWide?: boolean
  children: ReactNode
}) {
  return (
    <Base.Root open={isOpen} onOpenChange={open => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="scrim" />
        <Base.Popup className={isWide === true ? 'dialog wide' : 'dialog'}>
          <header className="dialog-head">
            <Base.Title>{title}</Base.Title>
            <Base.Close render={<IconButton label="Close" />}>
              <X className="icon" aria-hidden />
            </Base.Close>
          </header>
          {about === undefined ? null : <Base.Description className="soft">{about}</Base.Description>}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

/** Requires a typed word before an action that cannot be undone. */
export function TypedConfirmation(props: {
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
    <Dialog isOpen={props.isOpen} onClose={props.onClose} title={props.title} about={props.about}>
      <form
        className="stack"
        onSubmit={event => {
          event.preventDefault()
          if (typed === props.word) props.onConfirm()
        }}
      >
        <TextField
          label={`Type ${props.word} to confirm`}
          value={typed}
          onChange={event => setTyped(event.target.value)}
        />
        {props.error === null ? null : <ProblemNotice error={props.error} />}
        <div className="dialog-foot">
          <Button onClick={props.onClose}>Cancel</Button>
          <Button type="submit" weight="danger" disabled={typed !== props.word} isBusy={props.isBusy}>
            {props.action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
