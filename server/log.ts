/**
 * Structured logs. What goes in is listed by the caller: ids, codes, durations. A cause goes in as its name, code and
 * stack without message, since the messages of drivers and of customers' servers can hold what they were sent.
 */
import pino from 'pino'

/** A logger, as it is passed as an argument. */
export type Log = pino.Logger

/** Logs to standard output (or to `destination`), one JSON object a line. */
export function createLog(options: { level: string; destination?: pino.DestinationStream }): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    serializers: { cause: describeCause, err: describeCause },
    redact: {
      paths: ['*.password', '*.connectionString', '*.signingKey', '*.key', '*.token', '*.authorization'],
      censor: '[redacted]',
    },
  }
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination)
}

/** The kind of an error and where it came from, without its message: `{ name, code, at }`. */
export function describeCause(cause: unknown): object {
  if (!(cause instanceof Error)) return { name: typeof cause }
  const code: unknown = Reflect.get(cause, 'code')
  const frames = (cause.stack ?? '').split('\n').filter(line => /^\s+at /.test(line))
  return {
    name: cause.name,
    ...(typeof code === 'string' && /^[A-Za-z0-9_]{1,40}$/.test(code) ? { code } : {}),
    at: frames.slice(0, 5).map(line => line.trim()),
    ...(cause.cause === undefined ? {} : { cause: describeCause(cause.cause) }),
  }
}
