/**
 * `register`: registers a database as any caller does, and prints the checklist of its verification. The connection
 * string is typed at a hidden prompt or read from standard input, is sealed in this process, and never appears in an
 * argument, a variable or the output.
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
/** The longest time that one call may wait, in seconds; the next call continues from there. */
const CALL_SECONDS = 30
const WAIT = { default: 60, max: 3_600 }
const LOOK_MS = 500
/** The exit status if there is no verdict in time; 1 is a refusing verdict, 2 a failure. */
const UNDECIDED = 3
const FAILED = 2

/** The command `register`. */
export const registerCommand: CallerCommand = {
  words: ['register'],
  options: [
    { name: 'name', value: 'NAME', about: 'the name shown in lists' },
    { name: 'schema', value: 'NAME', about: 'the schema to use' },
    { name: 'db-type', choices: DB_TYPES, about: 'where it runs, which selects the wording of fixes' },
    { name: 'ca', value: 'FILE', completes: 'files', about: "the CA certificates of the database's server, as PEM" },
    { name: 'wait', value: 'SECONDS', about: `how long to wait for the verdict; default: ${WAIT.default}` },
    JSON_OPTION,
  ],
  about:
    'registers a database by a connection string that it asks for, or reads from standard input, and prints the checklist; ' +
    'exit status 1 if it is refused, 2 on failure, 3 if there is no verdict in time',
  failureStatus: FAILED,
  run: register,
}

async function register(settings: CallerSettings, given: Invocation): Promise<number> {
  const { terminal } = given
  if (terminal === undefined) throw new Error('There is no terminal on which to ask for the connection string.')
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
      // On a terminal, the progress is polled while the check runs. Waiting for one second is enough to give the check
      // the priority of an interactive one.
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

/** True if the key may read what it has registered. A key that may only register waits inside the call itself. */
async function mayRead(client: Client): Promise<boolean> {
  const found = await client.organization.current.query().catch(unlessUnknown)
  return found?.principal.scopes.includes('datasources.read') ?? false
}

/**
 * Polls until there is a verdict or the time is over. A database that could not be reached is retried automatically.
 */
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

/** A server of the previous release lacks this procedure; the checklist is then shown once it is complete. */
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
    rejected: 'Fix what failed, then register it again.\n',
    unverified: 'There is no verdict yet; the check is retried automatically. See: mooring datasources list\n',
  }[status]
  terminal.output.write(todo)
}

/** Returns the API's refusal with each of its issues: codes and sentences of our own, never the connection string. */
function refusal(error: unknown): unknown {
  const fault = faultOf(error)
  if (!(error instanceof Error) || fault === null) return error
  const issues: unknown = Reflect.get(Object(Reflect.get(error, 'data')), 'issues')
  const messages = Array.isArray(issues) ? issues.map(issue => String(Reflect.get(Object(issue), 'message'))) : []
  return new Error([`${error.message} (${fault})`, ...messages.map(line => `  ${line}`)].join('\n'), { cause: error })
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
