/**
 * A customer's server that is honest except for its catalog: it forwards everything else to a real PostgreSQL. It can
 * also delay every connection, so that a task is held for as long as a test wants.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { drained } from '#test/support/dials/drained.ts'
import { columns, frame, READY, row } from '#test/support/dials/hostile-postgres.ts'

/** A server between Mooring and a customer's real one. Connections must be without TLS. */
export interface Impostor {
  readonly port: number
  /** The rows that the catalog query gets from now on; null for those of the real server. */
  answerCatalog(rows: (() => Iterable<string>) | null): void
  /** Whether new connections are held back; releasing lets them proceed. */
  hold(isHeld: boolean): void
  stop(): Promise<void>
}

/** Text that only the catalog query has. */
const CATALOG_QUERY = 'with recursive ns as'

/** Starts an impostor in front of a server of this machine. */
export async function startImpostor(realPort: number): Promise<Impostor> {
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  const state: State = { rows: null, isHeld: false }
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    const onward = connect(realPort, '127.0.0.1')
    join(socket, onward, () => sockets.delete(socket))
    const take = takerOf(socket, onward, state)
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

interface State {
  rows: (() => Iterable<string>) | null
  isHeld: boolean
}

/** Returns the handler for a client's bytes: they are forwarded, or answered with a false catalog. */
function takerOf(socket: Socket, onward: Socket, state: State): (bytes: Buffer) => void {
  let isLying = false
  return bytes => {
    // The rest of a query that took more than one read: the real server would refuse part of a statement.
    if (isLying) return
    isLying = state.rows !== null && bytes.includes(CATALOG_QUERY)
    if (!isLying || state.rows === null) return void onward.write(bytes)
    // A client may close early: the remaining bytes are dropped.
    lie(socket, state.rows())
      .catch(() => undefined)
      .finally(() => {
        isLying = false
      })
  }
}

/** When one end closes, the other one is closed; the real server's bytes go to the client unchanged. */
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

/** Answers the catalog query with given rows, as the only statement of several with rows. */
async function lie(socket: Socket, rows: Iterable<string>): Promise<void> {
  socket.write(Buffer.concat([frame('C', 'BEGIN\0'), frame('C', 'SET\0'), columns('row')]))
  let count = 0
  for (const text of rows) {
    count += 1
    if (socket.destroyed) return
    if (!socket.write(row(text))) await drained(socket)
  }
  socket.write(Buffer.concat([frame('C', `SELECT ${count}\0`), frame('C', 'COMMIT\0'), READY]))
}
