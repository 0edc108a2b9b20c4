/**
 * Prints what must not be lost, and tells whether it was: a reader that left, a full disk behind the output, or the null
 * device. The entries keep standing where their output is gone: what they serve is not what they print.
 */
import { fstat, stat } from 'node:fs'
import { promisify } from 'node:util'

const STANDARD_OUTPUT = 1

/** Keeps the process alive when nobody reads its output any more. */
export function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

/** False where the output is thrown away: it was closed, or sent to the null device. */
export async function canBeRead(): Promise<boolean> {
  try {
    const [output, nowhere] = await Promise.all([promisify(fstat)(STANDARD_OUTPUT), promisify(stat)('/dev/null')])
    return !(output.isCharacterDevice() && output.rdev === nowhere.rdev)
  } catch {
    // On a system without this null device, an open output counts as one that is read.
    return process.stdout.writable
  }
}

/** Prints; answers whether the system took it. */
export function show(text: string): Promise<boolean> {
  return new Promise(resolve => {
    process.stdout.write(text, error => resolve(error === null || error === undefined))
  })
}
