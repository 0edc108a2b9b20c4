/**
 * The content of a caller's sealed box: a connection string, or JSON with a connection string and a CA certificate,
 * distinguished by the first byte. A certificate for a sealed string must be inside the box, so that no one in transit
 * can add one.
 */
import { z } from 'zod'
import { type ParsedString, parseConnectionString, type Target } from '#shared/connection-string/connection-string.ts'
import { CaCertificate } from '#shared/datasources/registration.ts'

const Content = z.strictObject({ connectionString: z.string(), caCertificate: CaCertificate.nullable().optional() })

/** An opened box. `caCertificate` is null for public roots, undefined if not mentioned. */
export interface SealedContent {
  readonly target: Target
  readonly caCertificate: string | null | undefined
  /** The string's advice and schema, next to its target. */
  readonly said: Pick<ParsedString, 'advisories' | 'schema'>
}

/** The reason why a box is not acceptable, in our own words. */
export interface RefusedContent {
  readonly ok: false
  readonly code: string
  readonly message: string
}

const NO_CONTENT =
  'The box contains neither a connection string nor JSON with connectionString and, optionally, caCertificate.'

/** Parses an opened box. A refusal quotes nothing from it. */
export function readSealedContent(text: string): ({ readonly ok: true } & SealedContent) | RefusedContent {
  const content = text.startsWith('{') ? readJson(text) : { connectionString: text, caCertificate: undefined }
  if ('ok' in content) return content
  const parsed = parseConnectionString(content.connectionString)
  if (!parsed.ok) return parsed
  const { target, advisories, schema } = parsed
  return { ok: true, target, caCertificate: content.caCertificate, said: { advisories, schema } }
}

function readJson(text: string): z.output<typeof Content> | RefusedContent {
  const refused = (code: string, message: string) => ({ ok: false as const, code, message })
  try {
    const read = Content.safeParse(JSON.parse(text))
    if (read.success) return read.data
    const ofCertificate = read.error.issues.find(({ path }) => path[0] === 'caCertificate')
    if (ofCertificate === undefined) return refused('sealed_content', NO_CONTENT)
    return refused('ca_certificate', `The caCertificate in the box: ${ofCertificate.message}.`)
  } catch {
    return refused('sealed_content', NO_CONTENT)
  }
}
