/**
 * Text to be taken along: SQL, commands, ids. It is shown as it is, and copied whole.
 * Nothing of it is ever run or read as markup.
 */
import { CopyButton } from './button.tsx'

/** A block of code with its copy button. `label` says what it is. */
export function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <figure className="code">
      <figcaption>
        <span className="soft small">{label}</span>
        <CopyButton text={text} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </figure>
  )
}

/** A short text in a line, with its copy button. */
export function Copied({ text, label }: { text: string; label: string }) {
  return (
    <span className="copied">
      <code className="cut">{text}</code>
      <CopyButton text={text} label={label} isBare />
    </span>
  )
}
