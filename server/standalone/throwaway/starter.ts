/**
 * The program that started a throw-away installation, at the other end of a pipe on standard input: each of its lines
 * gets one line in reply, and when the program is gone for any reason, this process ends. A terminal, or no input at
 * all, sends nothing. Called by `throwaway.ts`.
 */
import { fstatSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { show } from '#server/process/standard-output.ts'
import { errorMessage } from '#shared/base/error-text.ts'

const Order = z.strictObject({ newOrganization: z.string().min(1).max(200) })

/** Performs the action that a line orders. */
export type Answer = (order: z.infer<typeof Order>) => Promise<object>

/** Listens from the beginning: the starter may exit before everything is running. */
export class Starter {
  readonly #answer = Promise.withResolvers<Answer>()
  #before: Promise<void> = Promise.resolve()

  constructor() {
    const input = fstatSync(0)
    if (!input.isFIFO() && !input.isSocket()) return
    process.stdin.on('error', () => undefined)
    const lines = createInterface(process.stdin)
    lines.on('line', line => this.#hear(line))
    lines.on('close', () => process.kill(process.pid, 'SIGTERM'))
  }

  /** Sends one line of JSON. */
  async say(value: object): Promise<void> {
    await show(`${JSON.stringify(value)}\n`)
  }

  /** Answers lines from now on, starting with those already received. */
  answerBy(answer: Answer): void {
    this.#answer.resolve(answer)
  }

  /** One after the other: replies are sent in the order of the lines. */
  #hear(line: string): void {
    this.#before = this.#before.then(async () => {
      const answer = await this.#answer.promise
      await this.say(await answered(line, answer))
    })
  }
}

async function answered(line: string, answer: Answer): Promise<object> {
  try {
    return await answer(Order.parse(JSON.parse(line)))
  } catch (error) {
    return { error: errorMessage(error) }
  }
}
