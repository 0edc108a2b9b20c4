/**
 * The bare server as a process: prints where it listens, and where its one readable row is, until it is killed. Started by
 * `rest.ts`.
 */
import { startBare } from './bare.ts'

const { DATABASE_URL = '', POOL = '8' } = process.env
const bare = await startBare(DATABASE_URL, Number(POOL))
process.stdout.write(`${bare.url}/${bare.id}\n`)
