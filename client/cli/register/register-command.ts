/**
 * `register`: registers a database as any caller does, and prints the checklist of its verification. The connection string is typed
 * at a hidden prompt or comes by standard input, is sealed here, and is in no argument, variable or output.
 */
import { readFile } from 'node:fs/promises'
import type { CallerCommand, CallerSettings, Invocation } from '#client/cli/caller-command.ts'
import { JSON_OPTION } from '#client/cli/described.ts'
import { type Client, createClient, faultOf, type Outputs } from '#client/index.ts'
import { printableJson } from '#shared/base/printable.ts'
import { DB_TYPES } from '#shared/datasources/datasource.ts'
import { advisoryLines, checkLines } from './checklist.ts'
import { createLiveChecklist, type LiveChecklist } from './live-checklist.ts'
import { readSecret } from './secret-input.ts'

type Asking = Required<Invocation>
type Datasource = Outputs['datasources']['register']

const PROMPT = 'Connection string'
/** As long as one call may wait; after it the next one goes on. */
const CALL_SECONDS = 30
const WAIT = { default: 60, max: 3_600 }
const LOOK_MS = 500
/** Of a verdict that is not there within the time; 1 is one that refuses, 2 a failure. */
const UNDECIDED = 3
const FAILED = 2

/** The command. */
export const registerCommand: CallerCommand = {
  words: ['register'],
  options: [
    { name: 'name', value: 'NAME', about: 'what it is called, shown in lists' },
    { name: 'schema', value: 'NAME', about: 'the schema that is to be used' },
    { name: 'db-type', choices: DB_TYPES, about: 'where it runs, for the wording of what to do' },
    { name: 'ca', value: 'FILE', completes: 'files', about: "the CA certificates of the database's server, as PEM" },
    { name: 'wait', value: 'SECONDS', about: `how long the verdict is waited for; without it ${WAIT.default}` },
    JSON_OPTION,
  ],
  about:
    'registers a database by a connection string that it asks for, or reads from standard input, and prints the checklist; ' +
    'exit status 1 when it is refused, 2 when that fails, 3 when the verdict is not there in time',
  failureStatus: FAILED,
  run: register,
}

async function register(settings: CallerSettings, given: Invocation): Promise<number> {
  const { terminal } = given
  if (terminal === undefined) throw new Error('There is nobody to be asked for the connection string.')
  const invocation = { ...given, terminal }
  const seconds = waitSeconds(invocation)
  const ca = text(invocation, 'ca')
  const caCertificate = ca === undefined ? undefined : await readFile(ca, 'utf8')
  const connectionString = await readSecret(invocation.terminal, PROMPT)
  const client = createClient(settings)
  const until = performance.now() + seconds * 1_000
  const live = createLiveChecklist(terminal)
  live.draw(null)
  try {
    const made = await client.datasources.register.mutate({
      ...described(invocation),
      ...(caCertificate === undefined ? {} : { caCertificate }),
      connectionString,
      // At a terminal it is looked at while it goes on. One second: a check that somebody waits for goes before the others.
      waitSeconds: Math.min(seconds, terminal.isScreen && (await mayRead(client)) ? 1 : CALL_SECONDS),
    })
    const verified = await decided(client, { made, until, live: terminal.isScreen ? live : null })
    live.end()
    show(verified, invocation)
    return { active: 0, rejected: 1, unverified: UNDECIDED }[verified.status]
  } catch (error) {
    live.end()
    throw refusal(error)
  }
}

function described(invocation: Invocation) {
  const [name, schema, type] = ['name', 'schema', 'db-type'].map(option => text(invocation, option))
  const dbType = DB_TYPES.find(one => one === type)
  if (type !== undefined && dbType === undefined) throw new Error(`--db-type must be one of ${DB_TYPES.join(', ')}.`)
  return {
    ...(name === undefined ? {} : { name }),
    ...(schema === undefined ? {} : { schema }),
    ...(dbType === undefined ? {} : { dbType }),
  }
}

/** Whether the key may look at what it has registered. One that may only register waits in the call itself. */
async function mayRead(client: Client): Promise<boolean> {
  const found = await client.organization.current.query().catch(unlessUnknown)
  return found?.principal.scopes.includes('datasources.read') ?? false
}

/** Asked again until there is a verdict, or the time is over. One that nobody could reach is tried again by itself. */
async function decided(
  client: Client,
  { made, until, live }: { made: Datasource; until: number; live: LiveChecklist | null },
): Promise<Datasource> {
  let last = made
  const { id } = made
  while (last.status === 'unverified' && performance.now() < until) {
    if (live !== null) live.draw(await client.datasources.progress.query({ id }).catch(unlessUnknown))
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    last = await client.datasources.get.query({ id })
  }
  return last
}

/** A server of the release before has no such procedure: the checklist is shown once it is complete. */
function unlessUnknown(thrown: unknown): null {
  if (Reflect.get(Object(Reflect.get(Object(thrown), 'data')), 'code') === 'NOT_FOUND') return null
  throw thrown
}

function show(datasource: Datasource, { options, print, terminal }: Asking): void {
  if (options['json'] === true) {
    print(printableJson(datasource))
    return
  }
  const { id, status, statusReason, displayName, checks, advisories } = datasource
  for (const line of [...checks.flatMap(checkLines), ...advisories.flatMap(advisoryLines)]) print(line)
  print(`${id}  ${status}${statusReason === null ? '' : ` (${statusReason})`}  ${displayName}`)
  const todo = {
    active: '',
    rejected: 'Mend what failed, then register it again.\n',
    unverified: 'There is no verdict yet; it is tried again by itself. See: mooring datasources list\n',
  }[status]
  terminal.output.write(todo)
}

/** The API's refusal with each issue: our own codes and sentences, never the string. */
function refusal(error: unknown): unknown {
  const fault = faultOf(error)
  if (!(error instanceof Error) || fault === null) return error
  const issues: unknown = Reflect.get(Object(Reflect.get(error, 'data')), 'issues')
  const told = Array.isArray(issues) ? issues.map(issue => String(Reflect.get(Object(issue), 'message'))) : []
  return new Error([`${error.message} (${fault})`, ...told.map(line => `  ${line}`)].join('\n'), { cause: error })
}

function waitSeconds(invocation: Invocation): number {
  const given = text(invocation, 'wait')
  if (given === undefined) return WAIT.default
  if (!/^\d{1,4}$/.test(given) || Number(given) > WAIT.max)
    throw new Error(`--wait must be a whole number of seconds from 0 to ${WAIT.max}.`)
  return Number(given)
}

function text({ options }: Invocation, name: string): string | undefined {
  const given = options[name]
  return typeof given === 'string' ? given : undefined
}
