/**
 * Changes a datasource: its name and schema, its credential, or its removal. The server refuses operations that the key
 * may not perform, and the form shows the refusal.
 */
import type { DatasourceItem } from '#client/console/api/trpc.ts'
import { Empty } from '#client/console/kit/feedback.tsx'
import { EditForm } from './edit-form.tsx'
import { RemovePanel } from './remove-panel.tsx'
import { RotateKeyForm } from './rotate-key-form.tsx'
import { RotateStringForm } from './rotate-string-form.tsx'

/** The settings tab. */
export function SettingsTab({ datasource }: { datasource: DatasourceItem }) {
  if (datasource.removedAt !== null) return <Empty title="It was removed">It can no longer be changed.</Empty>
  return (
    <div className="stack narrow">
      <EditForm key={datasource.id} datasource={datasource} />
      {datasource.kind === 'direct' ? (
        <RotateStringForm datasource={datasource} />
      ) : (
        <RotateKeyForm datasource={datasource} />
      )}
      <RemovePanel datasource={datasource} />
    </div>
  )
}
