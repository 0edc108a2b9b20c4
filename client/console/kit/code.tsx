/**
 * Text to copy: SQL, commands, ids. It is shown unchanged,
 * copied as a whole, and never run or parsed as markup.
 */
import { CopyButton } from './button.tsx'

/** A block of code with a copy button. `label` describes it. */
export function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <figure className="code">
      <figcaption>
        <span className="soft small">{label}</span>
        <CopyButton text={text} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </figure>
  )
}

/** A short inline text with a copy button. */
export function Copied({ text, label }: { text: string; label: string }) {
  return (
    <span className="copied">
      <code className="cut">{text}</code>
      <CopyButton text={text} label={label} isBare />
    </span>
  )
}
