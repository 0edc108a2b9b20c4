/**
 * Buttons for actions, in four weights, and a button that copies. A busy button keeps its width and shows that it is
 * busy. Do not use a button as a link; a link is an anchor with `linkClass`.
 */
import { Check, Copy, LoaderCircle } from 'lucide-react'
import { type ComponentProps, type ReactNode, useEffect, useState } from 'react'

/** The visual emphasis of a button. */
export type Weight = 'primary' | 'plain' | 'quiet' | 'danger'

type ButtonProps = Omit<ComponentProps<'button'>, 'className'> & {
  readonly weight?: Weight
  /** An icon before the text. */
  readonly icon?: ReactNode
  /** True while the action is running. */
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

/** Returns the class that makes an anchor look like a button. */
export function linkClass(weight: Weight = 'plain'): string {
  return `button ${weight}`
}

/** A square button whose name is available only to screen readers. */
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
  /** Hides the label visually; screen readers still announce it. */
  readonly isBare?: boolean
}

/** Copies a text, and briefly confirms it. */
export function CopyButton({ text, label = 'Copy', weight = 'quiet', isBare = false }: CopyProps) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle')
  useEffect(() => {
    if (state === 'idle') return
    const timer = setTimeout(() => setState('idle'), COPIED_MS)
    return () => clearTimeout(timer)
  }, [state])
  const copy = async () => {
    // Absent if the page was loaded over plain HTTP from another machine.
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
