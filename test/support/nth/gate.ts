/**
 * A proxy in front of our own database that counts effects: every statement that a connection sends, with any driver.
 * The Nth one can be refused before it reaches the server, lose its answer, or be the last action of its process.
 *
 * It parses only frontend messages (PostgreSQL's manual, "Message Formats"): a statement ends with Query or Sync.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net'
import { FrontendMessages, type Statement } from './frontend-messages.ts'

/** The fate of the Nth effect. */
export type Mishap = 'refused' | 'lost' | 'killed'
/** All fates. */
export const MISHAPS: readonly Mishap[] = ['refused', 'lost', 'killed']

/** A running gate. */
export interface Gate {
  /** The connection string of the database through the gate. */
  readonly url: string
  /** Starts counting. Effect number `at` suffers the mishap; later ones pass, unless their process is killed. */
  arm(disturbance: { readonly mishap: Mishap; readonly at: number }): void
  /** Resolves when the mishap happens. */
  struck(): Promise<void>
  /** Stops counting. Returns the affected statement; null if there were fewer statements. */
  disarm(): string | null
  stop(): Promise<void>
}

interface State {
  armed: { readonly mishap: Mishap; readonly at: number } | null
  count: number
  struck: string | null
  isDead: boolean
  strike: PromiseWithResolvers<void>
}

/** Opens a gate in front of the database at `url`. */
export async function openGate(url: string): Promise<Gate> {
  const target = new URL(url)
  const state: State = { armed: null, count: 0, struck: null, isDead: false, strike: Promise.withResolvers() }
  const pairs = new Set<readonly [Socket, Socket]>()
  const cutAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  const server = createServer(client => {
    if (state.isDead) return void client.destroy()
    const database = connectTo({ host: target.hostname, port: Number(target.port), noDelay: true })
    const pair = [client.setNoDelay(true), database] as const
    pairs.add(pair)
    for (const socket of pair) {
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        pairs.delete(pair)
        for (const each of pair) each.destroy()
      })
    }
    forward(pair, state, cutAll)
  })
  return {
    url: await addressOf(server, target),
    arm(disturbance) {
      Object.assign(state, { armed: disturbance, count: 0, struck: null, strike: Promise.withResolvers<void>() })
    },
    struck: () => state.strike.promise,
    disarm() {
      const { struck } = state
      Object.assign(state, { armed: null, struck: null })
      return struck
    },
    async stop() {
      cutAll()
      server.close()
    },
  }
}

async function addressOf(server: Server, target: URL): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = new URL(target)
  own.hostname = '127.0.0.1'
  own.port = String((server.address() as AddressInfo).port) // a TCP server's
  return own.href
}

/** Forwards bytes in both directions, towards the server statement by statement. */
function forward([client, database]: readonly [Socket, Socket], state: State, cutAll: () => void): void {
  const messages = new FrontendMessages()
  let isMute = false
  let last = ''
  client.on('data', chunk => {
    for (const statement of messages.read(chunk)) {
      if (isMute || client.destroyed) return
      const { text } = statement
      if (!isNth(state, statement)) {
        last = text ?? last
        database.write(statement.bytes)
        continue
      }
      const mishap = state.armed?.mishap
      state.armed = null
      state.struck = text === 'commit' ? `commit of ${last.trim()}` : text
      state.strike.resolve()
      if (mishap === 'refused') return void client.destroy()
      isMute = true
      if (mishap === 'killed') return dieAfter(database, statement, { state, cutAll })
      database.write(statement.bytes)
    }
  })
  database.on('data', chunk => {
    if (!isMute) return void client.write(chunk)
    // A connection has only one statement in progress, so this is its answer, which ends with ReadyForQuery.
    if (chunk.length >= 6 && chunk[chunk.length - 6] === 'Z'.charCodeAt(0)) client.destroy()
  })
}

/** The server has received the last statement and executes it, but the sending process no longer exists. */
function dieAfter(
  database: Socket,
  { bytes }: Statement,
  { state, cutAll }: { state: State; cutAll: () => void },
): void {
  state.isDead = true
  database.end(bytes)
  database.once('data', cutAll)
  database.once('close', cutAll)
}

/** Counts the statement. Beginning or rolling back a transaction is not an effect, nor is listening. */
function isNth(state: State, { text }: Statement): boolean {
  if (state.armed === null || text === null || /^(begin|rollback|start transaction|listen|unlisten)\b/i.test(text))
    return false
  state.count += 1
  return state.count === state.armed.at
}
