/**
 * Prints what must not be lost, and detects whether it was: the reader has left, the disk behind the output is full, or
 * it is the null device. The entries keep running without their output: they serve more than they print.
 */
import { fstat, stat } from 'node:fs'
import { promisify } from 'node:util'

const STANDARD_OUTPUT = 1

/** Keeps the process alive when nobody reads its output any more. */
export function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

/** False if the output is discarded: it was closed, or is the null device. */
export async function canBeRead(): Promise<boolean> {
  try {
    const [output, nowhere] = await Promise.all([promisify(fstat)(STANDARD_OUTPUT), promisify(stat)('/dev/null')])
    return !(output.isCharacterDevice() && output.rdev === nowhere.rdev)
  } catch {
    // On a system without this null device, an open output counts as read.
    return process.stdout.writable
  }
}

/** Prints; returns true if the system accepted the text. */
export function show(text: string): Promise<boolean> {
  return new Promise(resolve => {
    process.stdout.write(text, error => resolve(error === null || error === undefined))
  })
}
