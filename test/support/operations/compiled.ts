/**
 * The folder where Node keeps the compiled code of tests' processes: half of the CPU time of a short command is spent
 * on stripping types and compiling, and a run starts hundreds. The checkout's scripts keep theirs there too; the built
 * package keeps none: a process could change code in a folder that it may write.
 */
import { fileURLToPath } from 'node:url'

/** Part of a child's environment. Entries are found by a hash of their source, so that none is ever out of date. */
export const COMPILED = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../../node_modules/.cache/compiled', import.meta.url)),
}
