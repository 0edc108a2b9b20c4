/**
 * Entry of a dialling process, started by `dial-process.ts` with an empty environment, no right to write, spawn or read
 * anything but our code, and one pipe to the worker as descriptor 3. It faces hostile servers, so that the worker does
 * not have to.
 *
 * It must never print: any error can contain a server's text.
 */
import { Socket } from 'node:net'
import { serveDials } from './serve-dials.ts'

// The worker handles signals to the terminal's process group; when it exits, the pipe closes.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
process.on('uncaughtException', () => process.exit(70))

serveDials(new Socket({ fd: 3, readable: true, writable: true }), () => process.exit(0))
