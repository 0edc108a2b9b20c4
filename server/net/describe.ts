/**
 * One introspection dial: reads the catalog and sends its rows on as they come, a line of JSON each. It judges nothing and
 * keeps nothing; the worker's reader takes the rows apart within limits.
 *
 * Runs in a dialling process.
 */
import type { Failure } from '#shared/failure.ts'
import { type CatalogRequest, catalogSql } from './catalog.ts'
import type { DialContext } from './dial-context.ts'
import { type SessionDial, withSession } from './with-session.ts'

/** The most that a catalog's rows may come to, in bytes. */
export const MAX_CATALOG_BYTES = 64 << 20

const LIMITS = { maxRowBytes: 4 << 20, maxRows: 400_000, maxTotalBytes: MAX_CATALOG_BYTES + (8 << 20) }

/** What to read, and by which credential. */
export interface DescribeRequest extends Omit<SessionDial, 'limits'> {
  readonly catalog: CatalogRequest
}

/** How it ended; the rows went ahead. */
export interface DescribeEnd {
  readonly failure: Failure | null
  readonly address: string | null
  readonly tookMs: number
}

/** Rows are sent on in pieces of about so many bytes: each piece is a wait, and most rows are short. */
const PIECE_BYTES = 64 << 10

/** Reads the catalog. Throws only where our own code is wrong. */
export async function describeDatabase(request: DescribeRequest, context: DialContext): Promise<DescribeEnd> {
  const { catalog, ...dial } = request
  const { failure, address, tookMs } = await withSession({ ...dial, limits: LIMITS }, context, async session => {
    let piece = ''
    const send = () => {
      const bytes = Buffer.from(piece, 'utf8')
      piece = ''
      return context.send(bytes)
    }
    await session.stream(catalogSql(catalog), ([text]) => {
      // A raw newline in JSON text is white space: strings have it escaped.
      piece += `${(text ?? '').replaceAll('\n', ' ')}\n`
      return piece.length < PIECE_BYTES ? undefined : send()
    })
    await send()
    return true
  })
  return { failure, address, tookMs }
}
