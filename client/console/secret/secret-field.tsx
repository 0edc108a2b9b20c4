/**
 * The field for a connection string, with its parsed parts below. React does not control it: its text is read when
 * needed and is never put into an attribute, state or storage of the page. The text is hidden unless the user reveals
 * it, and password managers ignore it.
 */
import { Eye, EyeOff, WandSparkles } from 'lucide-react'
import { useState } from 'react'
import { Button, IconButton } from '#client/console/kit/button.tsx'
import { Field, type Tied } from '#client/console/kit/field.tsx'
import '#client/console/styles/secret.css'
import { encoded } from './percent-encoding.ts'
import { readingOf, type StringReading } from './reading.ts'
import { ReadingView } from './reading-view.tsx'

interface SecretFieldProps {
  readonly field: { current: HTMLInputElement | null }
  readonly reading: StringReading
  readonly onRead: (reading: StringReading) => void
}

/** The field with its parsed parts. `field` lets the caller read the text when it is sent. */
export function SecretField({ field, reading, onRead }: SecretFieldProps) {
  const fix = () => {
    if (field.current === null) return
    field.current.value = encoded(field.current.value) ?? field.current.value
    onRead(readingOf(field.current.value))
    field.current.focus()
  }
  return (
    <>
      <Field
        label="postgresql://user:password@host/database"
        hint="As your provider shows it. This page parses it while you type and sends it sealed."
        mistake={reading.state === 'wrong' ? <Mistake reading={reading} onFix={fix} /> : undefined}
      >
        {tied => <Input tied={tied} field={field} onRead={onRead} />}
      </Field>
      <ReadingView reading={reading} />
    </>
  )
}

function Mistake({ reading, onFix }: { reading: Extract<StringReading, { state: 'wrong' }>; onFix: () => void }) {
  return (
    <>
      {reading.message}{' '}
      {reading.canEncode ? (
        <Button icon={<WandSparkles className="icon" aria-hidden />} onClick={onFix}>
          Encode it for me
        </Button>
      ) : null}
    </>
  )
}

function Input({ tied, field, onRead }: Pick<SecretFieldProps, 'field' | 'onRead'> & { tied: Tied }) {
  const [isShown, setIsShown] = useState(false)
  const Icon = isShown ? EyeOff : Eye
  return (
    <div className="secret">
      <input
        {...tied}
        ref={field}
        type="text"
        className={isShown ? 'input mono' : 'input mono hidden'}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        data-1p-ignore
        data-lpignore="true"
        maxLength={8192}
        onInput={event => onRead(readingOf(event.currentTarget.value))}
      />
      <IconButton label={isShown ? 'Hide the string' : 'Show the string'} onClick={() => setIsShown(!isShown)}>
        <Icon className="icon" aria-hidden />
      </IconButton>
    </div>
  )
}
