/**
 * Structured logs. What goes in is listed by the caller: ids, codes, durations. A cause goes in as its name, code and
 * stack without message, since the messages of drivers and of customers' servers can hold what they were sent. No line
 * holds a character that steers a terminal, even once its JSON is parsed.
 */
import pino from 'pino'
import { printableLog } from '#shared/printable.ts'

// Nothing of these is ever given to a log; this is for the day when somebody does.
const SECRETS = ['password', 'connectionString', 'signingKey', 'key', 'token', 'authorization'] as const

const MAX_CAUSES = 5

/** A logger, as it is passed as an argument. */
export type Log = pino.Logger

/** Logs to standard output (or to `destination`), one JSON object a line. */
export function createLog(options: { level: string; destination?: pino.DestinationStream }): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    // Programs that show logs print a text as it is once it is parsed.
    hooks: { streamWrite: printableLog },
    serializers: { cause: describeCause, err: describeCause },
    redact: {
      paths: SECRETS.flatMap(name => [name, `*.${name}`]),
      censor: '[redacted]',
    },
  }
  // Written at once: what is said last before the process ends would be lost where a write is still under way.
  return pino(settings, options.destination ?? pino.destination({ fd: 1, sync: true }))
}

/** The kind of an error and where it came from, without its message: `{ name, code, at }`. */
export function describeCause(cause: unknown): object {
  return describe(cause, MAX_CAUSES)
}

function describe(cause: unknown, left: number): object {
  if (!(cause instanceof Error)) return { name: typeof cause }
  const code: unknown = Reflect.get(cause, 'code')
  return {
    name: /^[A-Za-z0-9_]{1,60}$/.test(cause.name) ? cause.name : 'Error',
    ...(typeof code === 'string' && /^[A-Za-z0-9_]{1,40}$/.test(code) ? { code } : {}),
    at: framesOf(cause),
    ...(cause.cause === undefined || left === 0 ? {} : { cause: describe(cause.cause, left - 1) }),
  }
}

/** The stack's places. A message may have lines that look like some, so it is cut out first. */
function framesOf(cause: Error): string[] {
  const lines = (cause.stack ?? '').replace(cause.message, () => '').split('\n')
  const frames = lines.filter(line => /^\s+at (.* \()?(async )?(file:|node:|\/|[A-Z]:\\)\S+:\d+:\d+\)?$/.test(line))
  return frames.slice(0, 5).map(line => line.trim())
}
