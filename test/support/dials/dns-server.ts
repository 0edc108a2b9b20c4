/**
 * A real DNS server on loopback, over UDP and TCP, with the answers of a test: several addresses, CNAME chains, another
 * answer the next time, NXDOMAIN, SERVFAIL, none at all.
 *
 * Names that no test has defined do not exist. An answer over 512 bytes is truncated and must be requested over TCP.
 */
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import packet from 'dns-packet'

/** One answer. Addresses of both families together; each question gets those of its type, at the end of the chain. */
export type DnsReply =
  | 'nxdomain'
  | 'servfail'
  | 'silence'
  | {
      readonly addresses: readonly string[]
      readonly cname?: readonly string[]
      /** The type of question that gets SERVFAIL although the other one is answered. */
      readonly failsFor?: 'A' | 'AAAA'
    }

/** A running server. `address` has the form that `createResolver` and `MOORING_DNS_SERVERS` accept. */
export interface DnsServer {
  readonly address: string
  /** The questions in order, such as `AAAA db.acme.io`; truncated answers do not count. */
  readonly asked: readonly string[]
  /** Sets the answers of a name: the first reply the first time, and so on; the last one from then on. */
  answer(name: string, ...replies: readonly DnsReply[]): void
  /** Runs `meanwhile` once, before the next question is answered. */
  beforeNext(meanwhile: () => Promise<unknown>): void
  close(): Promise<void>
}

type Respond = (query: Buffer, maxBytes: number) => packet.Packet | null

const SERVFAIL = 2
const NXDOMAIN = 3
const MAX_UDP_BYTES = 512

/** Starts a server on a free port. */
export async function startDnsServer(): Promise<DnsServer> {
  const script = new Map<string, readonly DnsReply[]>()
  const asked: string[] = []
  const { udp, tcp, port } = await bindBoth()
  const respond: Respond = (query, maxBytes) => respondFrom({ script, asked, query, maxBytes })
  const { beforeNext, answered } = onceEach(query => respond(query, MAX_UDP_BYTES))
  udp.on('message', async (query, from) => {
    const response = await answered(query, from.port)
    if (response !== null) udp.send(packet.encode(response), from.port, from.address)
  })
  const open = new Set<net.Socket>()
  tcp.on('connection', socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    serveStream(socket, respond)
  })
  return {
    address: `127.0.0.1:${port}`,
    asked,
    answer: (name, ...replies) => {
      script.set(name.toLowerCase(), replies)
    },
    beforeNext,
    close: async () => {
      const closed = Promise.all([once(udp, 'close'), once(tcp, 'close')])
      for (const socket of open) socket.destroy()
      udp.close()
      tcp.close()
      await closed
    },
  }
}

/**
 * A resolver that has waited for a while sends its datagram again, from the same port: the same question, and the same
 * answer. By itself the datagram does not tell: its id has 16 bits, so that a later question may have an earlier one's.
 */
function onceEach(respond: (query: Buffer) => packet.Packet | null) {
  let meanwhile: (() => Promise<unknown>) | null = null
  const known = new Map<string, Promise<packet.Packet | null>>()
  return {
    beforeNext: (what: () => Promise<unknown>) => {
      meanwhile = what
    },
    answered: (query: Buffer, port: number) => {
      const key = `${port} ${query.toString('latin1')}`
      const first = meanwhile
      meanwhile = null
      const answer = known.get(key) ?? Promise.resolve(first?.()).then(() => respond(query))
      known.set(key, answer)
      return answer
    },
  }
}

interface Asked {
  readonly script: ReadonlyMap<string, readonly DnsReply[]>
  readonly asked: string[]
  readonly query: Buffer
  readonly maxBytes: number
}

function respondFrom({ script, asked, query, maxBytes }: Asked): packet.Packet | null {
  const { id = 0, questions = [] } = packet.decode(query)
  const [question] = questions
  if (question === undefined) return null
  const name = question.name.toLowerCase()
  const line = `${question.type} ${name}`
  const replies = script.get(name) ?? ['nxdomain']
  const round = asked.filter(one => one === line).length
  const response = responseTo({ id, question, reply: replies[Math.min(round, replies.length - 1)] ?? 'nxdomain' })
  if (response !== null && packet.encode(response).length > maxBytes) {
    return { ...response, flags: (response.flags ?? 0) | packet.TRUNCATED_RESPONSE, answers: [] }
  }
  asked.push(line)
  return response
}

function responseTo(asked: { id: number; question: packet.Question; reply: DnsReply }): packet.Packet | null {
  const { id, question, reply } = asked
  const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE
  const head: packet.Packet = { type: 'response', id, questions: [question], answers: [] }
  if (reply === 'silence') return null
  if (reply === 'nxdomain') return { ...head, flags: flags | NXDOMAIN }
  if (reply === 'servfail' || reply.failsFor === question.type) return { ...head, flags: flags | SERVFAIL }
  const names = [question.name, ...(reply.cname ?? [])]
  const owner = names.at(-1) ?? question.name
  const family = question.type === 'A' ? 4 : question.type === 'AAAA' ? 6 : 0
  const chain = names.slice(1).map((next, at) => record('CNAME', names[at] ?? '', next))
  const records = reply.addresses
    .filter(address => net.isIP(address) === family)
    .map(address => record(family === 4 ? 'A' : 'AAAA', owner, address))
  return { ...head, flags, answers: [...chain, ...records] }
}

function record(type: 'A' | 'AAAA' | 'CNAME', name: string, content: string): packet.Answer {
  return { type, name, ttl: 0, data: content }
}

/** RFC 1035 §4.2.2: each message after two octets with its length. */
function serveStream(socket: net.Socket, respond: Respond): void {
  let pending = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', chunk => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0)
      const response = respond(pending.subarray(2, end), Number.POSITIVE_INFINITY)
      pending = pending.subarray(end)
      if (response !== null) socket.write(packet.streamEncode(response))
    }
  })
}

/** One port number for both transports: TCP takes a free one, and if UDP finds it taken, another is tried. */
async function bindBoth(): Promise<{ udp: dgram.Socket; tcp: net.Server; port: number }> {
  for (;;) {
    const tcp = net.createServer().listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const address = tcp.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const udp = dgram.createSocket('udp4')
    udp.bind(port, '127.0.0.1')
    const bound = await once(udp, 'listening').then(
      () => true,
      () => false,
    )
    if (bound) return { udp, tcp, port }
    tcp.close()
  }
}
