/**
 * The bare server as a process: prints its address and the path of its one readable row, and runs until it is killed.
 * Started by `rest.ts`.
 */
import { startBare } from './bare.ts'

const { DATABASE_URL = '', POOL = '8' } = process.env
const bare = await startBare(DATABASE_URL, Number(POOL))
process.stdout.write(`${bare.url}/${bare.id}\n`)
