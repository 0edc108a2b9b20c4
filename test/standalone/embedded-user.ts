/**
 * A program that uses the embedded server of the folder in its first argument until its standard input ends.
 *
 * It prints one line of JSON when the server accepts connections. Run by `test/standalone/embedded.test.ts`, which
 * kills some of them.
 */
import { argv, stdin, stdout } from 'node:process'
import { startEmbedded } from '#server/standalone/embedded/embedded.ts'

const server = await startEmbedded({ dir: argv[2] ?? '', settings: { fsync: 'off' } })
stdout.write(`${JSON.stringify({ url: server.url, pid: server.pid, port: server.port, reused: server.reused })}\n`)
stdin.resume()
stdin.on('end', () => server.stop())
