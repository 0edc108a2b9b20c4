/**
 * Whom a due task is for, by the number under which the store's indexes have it: five of checks, five of polls, and the
 * quarantine. Metrics name them so.
 */

/** The name of priority n is the n-th. */
export const PRIORITIES = [
  ...(['awaited', 'asked', 'scheduled', 'hung', 'failed'] as const),
  ...(['feed_awaited', 'feed_asked', 'feed_scheduled', 'feed_hung', 'feed_failed'] as const),
  'quarantine',
] as const
