/**
 * The version of this release, as `package.json` has it. Entries tell it to the table of processes.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'

const Manifest = z.object({ version: z.string() })

/** Reads it. */
export async function ownVersion(): Promise<string> {
  return Manifest.parse(JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))).version
}
