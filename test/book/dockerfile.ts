/**
 * Reads the instructions of the Dockerfile, so that the tests run and check these very ones, and not a copy that could differ
 * from them. Only the forms that the file uses are known: anything else throws.
 */
import { z } from 'zod'

const KNOWN = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'EXPOSE', 'HEALTHCHECK', 'CMD'] as const
const Words = z.array(z.string()).min(1)

/** An instruction, with its continuation lines joined. */
export interface Instruction {
  readonly name: (typeof KNOWN)[number]
  readonly rest: string
}

/** A stage: what it is made of. */
export interface Stage {
  readonly base: string
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/** How a container of the last stage is run. */
export interface Run {
  readonly workdir: string
  readonly user: string
  readonly env: Readonly<Record<string, string>>
  readonly command: readonly string[]
  readonly health: readonly string[]
}

/** The stages, in order; the last one is what `docker build` makes unless a target is named. */
export function stagesOf(dockerfile: string): Stage[] {
  const lines = dockerfile
    .replace(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
  const stages: { base: string; name: string; instructions: Instruction[] }[] = []
  for (const line of lines.filter(one => one.trim() !== '')) {
    const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
    const name = KNOWN.find(one => one === word)
    if (name === undefined) throw new Error(`an instruction of the Dockerfile that the tests do not know: ${line}`)
    if (name !== 'FROM') stages.at(-1)?.instructions.push({ name, rest })
    else {
      const [, base = '', stage = ''] = /^(\S+) AS (\S+)$/.exec(rest) ?? []
      stages.push({ base, name: stage, instructions: [] })
    }
  }
  return stages
}

/** What the instructions of a stage say about its containers. Throws where one is missing or has the shell's form. */
export function runOf({ instructions }: Stage): Run {
  const last = (name: Instruction['name']) => instructions.findLast(one => one.name === name)?.rest ?? ''
  const env = instructions.filter(({ name }) => name === 'ENV').map(({ rest }) => rest.split('=') as [string, string])
  return {
    workdir: last('WORKDIR'),
    user: last('USER'),
    env: Object.fromEntries(env),
    command: Words.parse(JSON.parse(last('CMD'))),
    health: Words.parse(JSON.parse(last('HEALTHCHECK').replace(/^.*? CMD /, ''))),
  }
}
