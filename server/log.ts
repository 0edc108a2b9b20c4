/**
 * Structured logs. The caller lists the fields: ids, codes, durations. A cause is logged by its name, code, stack and
 * redacted message: messages of drivers and of customers' servers can contain what they were sent. No line contains a
 * character that controls a terminal, even after its JSON is parsed.
 */
import pino from 'pino'
import { errorCode, errorMessage, innerErrors } from '#shared/base/error-text.ts'
import { printableLog } from '#shared/base/printable.ts'

// None of these is ever passed to a log; this protects against the day when someone does.
const SECRETS = ['password', 'connectionString', 'signingKey', 'key', 'token', 'authorization'] as const

const MAX_CAUSES = 5

/** A logger, as it is passed as an argument. */
export type Log = pino.Logger

/** Logs to standard output (or to another descriptor, or to `destination`), one JSON object per line. */
export function createLog(options: { level: string; fd?: 1 | 2; destination?: pino.DestinationStream }): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    // Log viewers print a text unchanged after parsing it.
    hooks: { streamWrite: printableLog },
    serializers: { cause: describeCause, err: describeCause },
    redact: {
      paths: SECRETS.flatMap(name => [name, `*.${name}`]),
      censor: '[redacted]',
    },
  }
  // Written synchronously: otherwise the last lines before the process ends would be lost with a pending write.
  return pino(settings, options.destination ?? outputTo(options.fd ?? 1))
}

/** If nobody reads the log any more, or its disk is full, lines are lost; the process continues. */
function outputTo(fd: 1 | 2): pino.DestinationStream {
  const output = pino.destination({ fd, sync: true, maxLength: MAX_UNWRITTEN })
  output.on('error', () => undefined)
  return output
}

/** The number of bytes buffered for a blocked output; any more are dropped. */
const MAX_UNWRITTEN = 1_048_576

/** The kind of an error, its redacted message, and where it occurred; the same for its cause. */
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

/** The names that our own server reports with an error, never its detail, which contains values. */
function placesOf(error: Error): object {
  const named = ['table', 'constraint'].map(field => [field, Reflect.get(error, field)] as const)
  return Object.fromEntries(named.filter(([, name]) => typeof name === 'string' && /^\w{1,63}$/.test(name)))
}

/** The frames of the stack. A message may have lines that look like frames, so it is removed first. */
function framesOf(cause: Error): string[] {
  const lines = (cause.stack ?? '').replace(cause.message, () => '').split('\n')
  const frames = lines.filter(line => /^\s+at (.* \()?(async )?(file:|node:|\/|[A-Z]:\\)\S+:\d+:\d+\)?$/.test(line))
  return frames.slice(0, 5).map(line => line.trim())
}
