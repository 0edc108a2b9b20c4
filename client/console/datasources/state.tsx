/**
 * The state of a datasource in a word, with its reason in a sentence of the fault table's. Lists and pages show it alike.
 * A problem of an active datasource is a warning: it is in use.
 */
import type { DatasourceItem } from '#client/console/api/trpc.ts'
import { Badge, type Tone } from '#client/console/kit/badge.tsx'

type Stateful = Pick<DatasourceItem, 'status' | 'statusReason' | 'removedAt' | 'verifiedAt'>

const TONES = { active: 'good', rejected: 'bad', unverified: 'note' } as const
const WORDS = { active: 'Active', rejected: 'Rejected', unverified: 'Verifying' } as const

/** The state's tone and word. */
export function displayedState({ status, statusReason, removedAt }: Stateful): { tone: Tone; word: string } {
  if (removedAt !== null) return { tone: 'neutral', word: 'Removed' }
  if (status === 'active' && statusReason !== null) return { tone: 'warn', word: 'Active, with a problem' }
  if (status === 'unverified' && statusReason !== null) return { tone: 'warn', word: 'Not verified yet' }
  return { tone: TONES[status], word: WORDS[status] }
}

/** The state as a badge. */
export function StateBadge({ of }: { of: Stateful }) {
  const { tone, word } = displayedState(of)
  const isUnderWay = of.status === 'unverified' && of.statusReason === null && of.removedAt === null
  return (
    <Badge tone={tone} isLive={isUnderWay}>
      {word}
    </Badge>
  )
}

/** Where it is: host and database, or the endpoint's address. */
export function placeOf(datasource: DatasourceItem): string {
  if (datasource.kind === 'endpoint') return datasource.endpoint
  const { host, port, database } = datasource
  return `${host}${port === 5432 ? '' : `:${port}`}/${database}`
}
