/**
 * Shows a token once. It is only in the memory of this
 * dialog and is lost when the dialog closes.
 */
import { Button, CopyButton } from '#client/console/kit/button.tsx'
import { Notice } from '#client/console/kit/feedback.tsx'

/** The token, with a copy button. */
export function ShownOnce({ token, onClose }: { token: string; onClose: () => void }) {
  return (
    <div className="stack">
      <Notice tone="warn" title="Copy it now">
        It is stored nowhere and cannot be shown again.
      </Notice>
      <code className="token">{token}</code>
      <div className="dialog-foot">
        <CopyButton text={token} weight="primary" />
        <Button onClick={onClose}>Done</Button>
      </div>
    </div>
  )
}
