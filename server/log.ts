/**
 * Structured logs. The caller lists the fields: ids, codes, durations. A cause is logged by its name, code, stack and
 * message, the message without what it was about: those of drivers and of customers' servers can hold what they were sent.
 * No line holds a character that steers a terminal, even once its JSON is parsed.
 */
import pino from 'pino'
import { errorCode, errorMessage, innerErrors } from '#shared/base/error-text.ts'
import { printableLog } from '#shared/base/printable.ts'

// Nothing of these is ever given to a log; this is for the day when somebody does.
const SECRETS = ['password', 'connectionString', 'signingKey', 'key', 'token', 'authorization'] as const

const MAX_CAUSES = 5

/** A logger, as it is passed as an argument. */
export type Log = pino.Logger

/** Logs to standard output (or to another descriptor, or to `destination`), one JSON object a line. */
export function createLog(options: { level: string; fd?: 1 | 2; destination?: pino.DestinationStream }): Log {
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
  return pino(settings, options.destination ?? outputTo(options.fd ?? 1))
}

/** If nobody reads the log any more, or its disk is full, lines are lost; the process goes on. */
function outputTo(fd: 1 | 2): pino.DestinationStream {
  const output = pino.destination({ fd, sync: true, maxLength: MAX_UNWRITTEN })
  output.on('error', () => undefined)
  return output
}

/** Bytes that wait for an output that takes none; what is more is dropped. */
const MAX_UNWRITTEN = 1_048_576

/** The kind of an error, its message without what it was about, and where it came from; the same of what caused it. */
export function describeCause(cause: unknown): object {
  return describe(cause, MAX_CAUSES)
}

function describe(cause: unknown, left: number): object {
  if (!(cause instanceof Error)) return { name: typeof cause, message: errorMessage(cause) }
  const parts = innerErrors(cause)
  return {
    ...kindOf(cause),
    ...placesOf(cause),
    at: framesOf(cause),
    ...(parts.length === 0 ? {} : { errors: parts.slice(0, MAX_CAUSES).map(kindOf) }),
    ...(cause.cause === undefined || left === 0 ? {} : { cause: describe(cause.cause, left - 1) }),
  }
}

function kindOf(error: unknown): object {
  const name = error instanceof Error ? error.name : typeof error
  const code = errorCode(error)
  return {
    name: /^[A-Za-z0-9_]{1,60}$/.test(name) ? name : 'Error',
    ...(code === null ? {} : { code }),
    message: errorMessage(error),
  }
}

/** The names that our own server gives beside an error: never its detail, which holds values. */
function placesOf(error: Error): object {
  const named = ['table', 'constraint'].map(field => [field, Reflect.get(error, field)] as const)
  return Object.fromEntries(named.filter(([, name]) => typeof name === 'string' && /^\w{1,63}$/.test(name)))
}

/** The stack's places. A message may have lines that look like some, so it is cut out first. */
function framesOf(cause: Error): string[] {
  const lines = (cause.stack ?? '').replace(cause.message, () => '').split('\n')
  const frames = lines.filter(line => /^\s+at (.* \()?(async )?(file:|node:|\/|[A-Z]:\\)\S+:\d+:\d+\)?$/.test(line))
  return frames.slice(0, 5).map(line => line.trim())
}
