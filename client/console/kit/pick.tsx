/**
 * A choice of one or none of very many options, found by typing, from Base UI. It has a file of its own, so that a page
 * without it does not load it. Only the first few matches are shown.
 */
import { Combobox } from '@base-ui/react/combobox'
import { Check, X } from 'lucide-react'
import type { ChoiceOption } from './plain-choice.tsx'

const SHOWN = 50

/** The field. `none` is the label for no choice. */
export function Pick(props: {
  label: string
  none: string
  value: string | null
  options: readonly ChoiceOption<string>[]
  onChange: (value: string | null) => void
}) {
  const chosen = props.options.find(({ value }) => value === props.value) ?? null
  return (
    <Combobox.Root
      items={props.options}
      limit={SHOWN}
      value={chosen}
      onValueChange={(option: ChoiceOption<string> | null) => props.onChange(option?.value ?? null)}
      autoHighlight
    >
      <div className="field">
        <Combobox.Label className="field-label">{props.label}</Combobox.Label>
        <div className="pick">
          <Combobox.Input className="input" placeholder={props.none} spellCheck={false} />
          <Combobox.Clear className="button quiet square pick-clear" aria-label={props.none} title={props.none}>
            <X className="icon" aria-hidden />
          </Combobox.Clear>
        </div>
      </div>
      <Found />
    </Combobox.Root>
  )
}

/** Shows the options that match the typed text. */
function Found() {
  return (
    <Combobox.Portal>
      <Combobox.Positioner sideOffset={4} className="layer">
        <Combobox.Popup className="popup menu">
          <Combobox.Empty className="pick-empty soft">Nothing matches.</Combobox.Empty>
          <Combobox.List>
            {(option: ChoiceOption<string>) => (
              <Combobox.Item key={option.value} value={option} className="menu-item">
                <span className="cut">{option.label}</span>
                <Combobox.ItemIndicator className="menu-mark">
                  <Check className="icon" aria-hidden />
                </Combobox.ItemIndicator>
              </Combobox.Item>
            )}
          </Combobox.List>
        </Combobox.Popup>
      </Combobox.Positioner>
    </Combobox.Portal>
  )
}
