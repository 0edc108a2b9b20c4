/**
 * Reads a secret that must be in no argument, no environment and no history of a shell: at a terminal by a prompt that shows
 * nothing of it, elsewhere from standard input. `register` calls it.
 */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** The source of the secret, and the output of the prompt. */
export interface SecretInput {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WritableStream
}

/** More than any connection string has. */
const MAX_LENGTH = 16_384

/** The secret, without white space around it. Throws a sentence where there is none, or where somebody broke off. */
export async function readSecret({ input, output }: SecretInput, prompt: string): Promise<string> {
  const secret = (input.isTTY ? await hidden({ input, output }, prompt) : await whole(input)).trim()
  if (secret === '')
    throw new Error('No connection string was given. Type or paste it at the prompt, or send it to standard input.')
  return secret
}

/** A line that is typed. Nothing is echoed, and nothing is kept for the arrow keys. */
function hidden({ input, output }: SecretInput, prompt: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input, output: nowhere, terminal: true, historySize: 0 })
  // Only now: until the reader has the terminal, the terminal itself shows what is typed.
  output.write(`${prompt} (nothing is shown): `)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  reader.once('line', resolve)
  reader.once('SIGINT', () => reject(new Error('Broken off; nothing was sent.')))
  // Ctrl-D.
  reader.once('close', () => resolve(''))
  return promise.finally(() => {
    reader.close()
    output.write('\n')
  })
}

async function whole(input: NodeJS.ReadStream): Promise<string> {
  let text = ''
  input.setEncoding('utf8')
  for await (const chunk of input) {
    text += String(chunk)
    if (text.length > MAX_LENGTH) throw new Error(`A connection string has at most ${MAX_LENGTH} characters.`)
  }
  return text
}
