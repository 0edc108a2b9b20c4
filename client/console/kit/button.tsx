/**
 * Buttons: one look for what acts, in four weights, and one that copies. A button that waits keeps its width and says so.
 * Never used for a link: what goes somewhere is an anchor, with `linkClass`.
 */
import { Check, Copy, LoaderCircle } from 'lucide-react'
import { type ComponentProps, type ReactNode, useEffect, useState } from 'react'

/** How much a button asks to be pressed. */
export type Weight = 'primary' | 'plain' | 'quiet' | 'danger'

type ButtonProps = Omit<ComponentProps<'button'>, 'className'> & {
  readonly weight?: Weight
  /** An icon before the text. */
  readonly icon?: ReactNode
  /** True while what it does is under way. */
  readonly isBusy?: boolean
}

/** A button with a text. */
export function Button({ weight = 'plain', icon, isBusy = false, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`button ${weight}`}
      disabled={disabled === true || isBusy}
      aria-busy={isBusy || undefined}
    >
      {isBusy ? <LoaderCircle className="icon turning" aria-hidden /> : icon}
      <span className="cut">{children}</span>
    </button>
  )
}

/** The look of a button, for an anchor. */
export function linkClass(weight: Weight = 'plain'): string {
  return `button ${weight}`
}

/** A square button whose name is only heard. */
export function IconButton({
  label,
  children,
  ...rest
}: Omit<ComponentProps<'button'>, 'className'> & { label: string }) {
  return (
    <button type="button" {...rest} className="button quiet square" aria-label={label} title={label}>
      {children}
    </button>
  )
}

const COPIED_MS = 2_000

const WORDS = { copied: 'Copied', failed: 'Select and copy by hand' } as const

interface CopyProps {
  readonly text: string
  readonly label?: string
  readonly weight?: Weight
  /** The label is only heard. */
  readonly isBare?: boolean
}

/** Copies a text, and says for a moment that it did. */
export function CopyButton({ text, label = 'Copy', weight = 'quiet', isBare = false }: CopyProps) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle')
  useEffect(() => {
    if (state === 'idle') return
    const timer = setTimeout(() => setState('idle'), COPIED_MS)
    return () => clearTimeout(timer)
  }, [state])
  const copy = async () => {
    // There is none where the page came over plain HTTP from another machine.
    const clipboard: Clipboard | undefined = navigator.clipboard
    const isCopied = await clipboard?.writeText(text).then(
      () => true,
      () => false,
    )
    setState(isCopied === true ? 'copied' : 'failed')
  }
  const Icon = state === 'copied' ? Check : Copy
  const word = state === 'idle' ? label : WORDS[state]
  if (isBare)
    return (
      <IconButton label={word} onClick={() => void copy()}>
        <Icon className="icon" aria-hidden />
      </IconButton>
    )
  return (
    <Button weight={weight} icon={<Icon className="icon" aria-hidden />} onClick={() => void copy()}>
      <span aria-live="polite">{word}</span>
    </Button>
  )
}
