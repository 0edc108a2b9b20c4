/**
 * A customer's server that is honest until it is asked for its catalog: everything else is passed on to a real PostgreSQL.
 * It can also keep everybody waiting, so that a task is held for as long as a test wants.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { columns, frame, READY, row } from '#test/support/dials/hostile-postgres.ts'

/** A server between Mooring and a customer's real one. Connections must be without TLS. */
export interface Impostor {
  readonly port: number
  /** From now on, the rows that the catalog query gets; null for those of the real server. */
  answerCatalog(rows: (() => Iterable<string>) | null): void
  /** Whether connections wait at the door; those that wait go on when the door opens. */
  hold(isHeld: boolean): void
  stop(): Promise<void>
}

/** What only the catalog query has. */
const CATALOG_QUERY = 'with recursive ns as'

/** Starts one in front of a server of this machine. */
export async function startImpostor(realPort: number): Promise<Impostor> {
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  const state: { rows: (() => Iterable<string>) | null; isHeld: boolean } = { rows: null, isHeld: false }
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    const onward = connect(realPort, '127.0.0.1')
    join(socket, onward, () => sockets.delete(socket))
    const take = (bytes: Buffer) => {
      // A client that has enough closes: what was still to be said goes nowhere.
      if (state.rows !== null && bytes.includes(CATALOG_QUERY)) lie(socket, state.rows()).catch(() => undefined)
      else onward.write(bytes)
    }
    if (!state.isHeld) socket.on('data', take)
    else waiting.add(() => socket.on('data', take))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    // A TCP server's address is an object (documentation of `server.address`).
    port: (server.address() as AddressInfo).port,
    answerCatalog(rows) {
      state.rows = rows
    },
    hold(isHeld) {
      state.isHeld = isHeld
      if (isHeld) return
      for (const go of waiting) go()
      waiting.clear()
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** What one end closes, the other one closes; what the real server says goes to the client as it is. */
function join(socket: Socket, onward: Socket, closed: () => void): void {
  onward.pipe(socket)
  for (const end of [socket, onward]) {
    end.on('error', () => undefined)
    end.once('close', () => {
      socket.destroy()
      onward.destroy()
      closed()
    })
  }
}

/** Answers the catalog query with rows of its own, as the one statement of many that has any. */
async function lie(socket: Socket, rows: Iterable<string>): Promise<void> {
  socket.write(Buffer.concat([frame('C', 'BEGIN\0'), frame('C', 'SET\0'), columns('row')]))
  let count = 0
  for (const text of rows) {
    count += 1
    if (socket.destroyed) return
    if (!socket.write(row(text))) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  }
  socket.write(Buffer.concat([frame('C', `SELECT ${count}\0`), frame('C', 'COMMIT\0'), READY]))
}
