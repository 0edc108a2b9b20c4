/**
 * Changing a datasource: its name and schema, its credential, and its removal. What may not be done with this key is refused by the
 * server, and shown where it was tried.
 */
import type { DatasourceItem } from '#client/console/api/trpc.ts'
import { Empty } from '#client/console/kit/feedback.tsx'
import { EditForm } from './edit-form.tsx'
import { RemovePanel } from './remove-panel.tsx'
import { RotateKeyForm } from './rotate-key-form.tsx'
import { RotateStringForm } from './rotate-string-form.tsx'

/** The tab. */
export function SettingsTab({ datasource }: { datasource: DatasourceItem }) {
  if (datasource.removedAt !== null) return <Empty title="It was removed">Nothing of it can be changed any more.</Empty>
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
