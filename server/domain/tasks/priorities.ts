/**
 * The names of due tasks' priorities, by their number in the store's indexes: five for checks, five for polls, and the
 * quarantine. Metrics use these names.
 */

/** Element n is the name of priority n. */
export const PRIORITIES = [
  ...(['awaited', 'asked', 'scheduled', 'hung', 'failed'] as const),
  ...(['feed_awaited', 'feed_asked', 'feed_scheduled', 'feed_hung', 'feed_failed'] as const),
  'quarantine',
] as const
