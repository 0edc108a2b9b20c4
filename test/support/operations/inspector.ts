/**
 * Makes a process that was started with `--inspect` collect its garbage, as a debugger would. For tests that inspect
 * the remaining heap.
 */

/** Collects all garbage. `stderr` is the output of the process, which names the inspector's address. */
export async function collectGarbage(stderr: string): Promise<void> {
  const [address] = /ws:\/\/\S+/.exec(stderr) ?? []
  if (address === undefined) throw new Error('the process was not started with --inspect')
  const socket = new WebSocket(address)
  const ask = (id: number) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const hear = (event: MessageEvent) => JSON.parse(String(event.data)).id === id && resolve()
    socket.addEventListener('message', hear)
    socket.addEventListener('error', () => reject(new Error('the inspector does not answer')))
    socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }))
    return promise
  }
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error('the inspector cannot be reached')))
  })
  // Weak references and finalizers take a second round.
  await ask(1)
  await ask(2)
  socket.close()
}

/** Runs code in the main thread of a process, without waiting for it. */
export function evaluate(stderr: string, expression: string): void {
  const [address] = /ws:\/\/\S+/.exec(stderr) ?? []
  if (address === undefined) throw new Error('the process was not started with --inspect')
  const socket = new WebSocket(address)
  socket.addEventListener('open', () =>
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } })),
  )
  // The process ends because of it, and the connection with it.
  socket.addEventListener('error', () => undefined)
}
