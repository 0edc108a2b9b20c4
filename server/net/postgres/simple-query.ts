/**
 * One message of the simple query protocol, in the form that the driver submits: values stay the text that the server
 * sent.
 *
 * The driver's own query objects would run type parsers on hostile text (10 MB of nested JSON takes 500 MB) and create
 * objects whose keys the server chooses (`__proto__`). Called by the session.
 */
import type pg from 'pg'

/** One row: its values as text, in column order. */
export type Row = readonly (string | null)[]

/** The consumer of an answer. */
export interface RowSink {
  /** A statement of the message starts to return rows. */
  onResult(): void
  onRow(row: Row): void
  onEnd(): void
  onError(error: unknown): void
}

/** The members that the driver uses on a query (`pg/lib/client.js`); its types only declare `submit`. */
interface DriverQuery extends pg.Submittable {
  handleRowDescription(): void
  handleDataRow(message: { readonly fields: Row }): void
  handleCommandComplete(): void
  handleEmptyQuery(): void
  handleReadyForQuery(): void
  handleError(error: unknown): void
}

/** A query for the driver's `client.query`. Ends with exactly one call of `onEnd` or `onError`. */
export function simpleQuery(text: string, sink: RowSink): DriverQuery {
  return {
    submit: connection => connection.query(text),
    handleRowDescription: () => sink.onResult(),
    handleDataRow: message => sink.onRow(message.fields),
    handleCommandComplete: () => {},
    handleEmptyQuery: () => {},
    handleReadyForQuery: () => sink.onEnd(),
    handleError: error => sink.onError(error),
  }
}
