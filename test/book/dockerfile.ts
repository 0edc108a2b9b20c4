/**
 * Parses the instructions of the Dockerfile, so that the tests run and check the real ones and not a copy that could
 * differ. It knows only the forms that the file uses, and throws for anything else.
 */
import { z } from 'zod'

const KNOWN = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'EXPOSE', 'HEALTHCHECK', 'CMD'] as const
const Words = z.array(z.string()).min(1)

/** An instruction, with its continuation lines joined. */
export interface Instruction {
  readonly name: (typeof KNOWN)[number]
  readonly rest: string
}

/** A stage and its instructions. */
export interface Stage {
  readonly base: string
  readonly name: string
  readonly instructions: readonly Instruction[]
}

/** How to run a container of the last stage. */
export interface Run {
  readonly workdir: string
  readonly user: string
  readonly env: Readonly<Record<string, string>>
  readonly command: readonly string[]
  readonly health: readonly string[]
}

/** Returns the stages, in order. `docker build` builds the last one unless a target is named. */
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

/** Returns the settings of a stage's containers. Throws if an instruction is missing or in shell form. */
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
