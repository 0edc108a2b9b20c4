/**
 * One message of the simple query protocol, as the driver submits it: values stay the text that the server sent.
 *
 * The driver's own query objects would run type parsers over hostile text (10 MB of nested JSON costs 500 MB) and make
 * objects whose keys a server chooses (`__proto__`). Called by the session.
 */
import type pg from 'pg'

/** One row: its values as text, in the order of the columns. */
export type Row = readonly (string | null)[]

/** The consumer of the answer. */
export interface RowSink {
  /** A statement of the message begins to give rows. */
  onResult(): void
  onRow(row: Row): void
  onEnd(): void
  onError(error: unknown): void
}

/** The members that the driver calls on a query (`pg/lib/client.js`); its types name `submit` alone. */
interface DriverQuery extends pg.Submittable {
  handleRowDescription(): void
  handleDataRow(message: { readonly fields: Row }): void
  handleCommandComplete(): void
  handleEmptyQuery(): void
  handleReadyForQuery(): void
  handleError(error: unknown): void
}

/** A query to give to the driver's `client.query`. Ends with exactly one of `onEnd` and `onError`. */
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
