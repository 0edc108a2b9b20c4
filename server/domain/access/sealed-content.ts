/**
 * What a caller's sealed box holds: a connection string, or JSON with a connection string and a CA certificate, told apart by the
 * first byte. Only in there may a certificate come with a sealed string, so that nobody on the way can put one beside it.
 */
import { z } from 'zod'
import { type ParsedString, parseConnectionString, type Target } from '#shared/connection-string/connection-string.ts'
import { CaCertificate } from '#shared/datasources/registration.ts'

const Content = z.strictObject({ connectionString: z.string(), caCertificate: CaCertificate.nullable().optional() })

/** An opened box. `caCertificate` is null where public roots are meant, undefined where nothing is said of it. */
export interface SealedContent {
  readonly target: Target
  readonly caCertificate: string | null | undefined
  /** The string's advice and schema, beside its target. */
  readonly said: Pick<ParsedString, 'advisories' | 'schema'>
}

/** Reads an opened box; null for one that is not acceptable. Quotes nothing of it. */
export function readSealedContent(text: string): SealedContent | null {
  const content = text.startsWith('{') ? readJson(text) : { connectionString: text, caCertificate: undefined }
  if (content === null) return null
  const parsed = parseConnectionString(content.connectionString)
  if (!parsed.ok) return null
  const { target, advisories, schema } = parsed
  return { target, caCertificate: content.caCertificate, said: { advisories, schema } }
}

function readJson(text: string): z.output<typeof Content> | null {
  try {
    return Content.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
