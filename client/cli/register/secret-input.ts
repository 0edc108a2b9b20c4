/**
 * Reads a secret that must not appear in an argument, the environment or the history of a shell: at a terminal from a
 * prompt without echo, otherwise from standard input. Called by `register`.
 */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** The source of the secret, and the output for the prompt. */
export interface SecretInput {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WritableStream
}

/** Longer than any connection string, in UTF-16 units. */
const MAX_LENGTH = 16_384

/**
 * Returns the secret without surrounding white space. Throws an error with a message for the user if there is no secret
 * or the user aborts.
 */
export async function readSecret({ input, output }: SecretInput, prompt: string): Promise<string> {
  const secret = (input.isTTY ? await hidden({ input, output }, prompt) : await whole(input)).trim()
  if (secret === '')
    throw new Error('No connection string was given. Type or paste it at the prompt, or send it to standard input.')
  return secret
}

/** Reads a typed line without echo and without a history for the arrow keys. */
function hidden({ input, output }: SecretInput, prompt: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input, output: nowhere, terminal: true, historySize: 0 })
  // Prompt only now: until the reader controls the terminal, the terminal itself echoes what is typed.
  output.write(`${prompt} (input is hidden): `)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  reader.once('line', resolve)
  reader.once('SIGINT', () => reject(new Error('Aborted; nothing was sent.')))
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
