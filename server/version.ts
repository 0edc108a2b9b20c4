/**
 * The version of this release, from `package.json`.
 * Entries record it in the table of processes.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'

const Manifest = z.object({ version: z.string() })

/** Reads the version. */
export async function ownVersion(): Promise<string> {
  return Manifest.parse(JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))).version
}
