/**
 * The state of a datasource as a word, with its reason from the table of faults. Lists and pages show it in the same
 * way. A problem of an active datasource is a warning, because the datasource is in use.
 */
import type { DatasourceItem } from '#client/console/api/trpc.ts'
import { Badge, type Tone } from '#client/console/kit/badge.tsx'

type Stateful = Pick<DatasourceItem, 'status' | 'statusReason' | 'removedAt' | 'verifiedAt'>

const TONES = { active: 'good', rejected: 'bad', unverified: 'note' } as const
const WORDS = { active: 'Active', rejected: 'Rejected', unverified: 'Verifying' } as const

/** Returns the tone and the word for a state. */
export function displayedState({ status, statusReason, removedAt }: Stateful): { tone: Tone; word: string } {
  if (removedAt !== null) return { tone: 'neutral', word: 'Removed' }
  if (status === 'active' && statusReason !== null) return { tone: 'warn', word: 'Active, with a problem' }
  if (status === 'unverified' && statusReason !== null) return { tone: 'warn', word: 'Not verified yet' }
  return { tone: TONES[status], word: WORDS[status] }
}

/** Shows the state as a badge. */
export function StateBadge({ datasource }: { datasource: Stateful }) {
  const { tone, word } = displayedState(datasource)
  const isUnderWay =
    datasource.status === 'unverified' && datasource.statusReason === null && datasource.removedAt === null
  return (
    <Badge tone={tone} isLive={isUnderWay}>
      {word}
    </Badge>
  )
}

/** Returns the location of a datasource: host and database, or the endpoint's address. */
export function placeOf(datasource: DatasourceItem): string {
  if (datasource.kind === 'endpoint') return datasource.endpoint
  const { host, port, database } = datasource
  return `${host}${port === 5432 ? '' : `:${port}`}/${database}`
}
