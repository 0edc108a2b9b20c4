/**
 * The form of a login at each provider's pooler, for a fix: only words, never a verdict.
 * Called by `dial-fixes.ts`.
 */
import { failureSpec } from '#shared/faults/failure.ts'

interface Place {
  readonly user: string
  readonly host: string
}

const HOSTS: readonly (readonly [RegExp, string])[] = [
  [
    /\.pooler\.supabase\.com$/,
    'Through this pooler the user name is role.project-ref, such as app.abcdefghijklmnopqrst: take it from Connect in the dashboard of Supabase. A paused project is not known either.',
  ],
  [
    /\.neon\.(tech|build)$/,
    'Neon identifies the project by the host name: copy the whole host from Connect in the console, endpoint id included.',
  ],
  [
    /\.postgres\.database\.(?:azure\.com|chinacloudapi\.cn|usgovcloudapi\.net)$/,
    "Azure's Single Server expects the user name as role@server, with the @ written as %40; the Flexible Server expects only the role. Its PgBouncer listens on port 6432.",
  ],
  [/\.cockroachlabs\.cloud$/, 'Give the host that the console shows for this cluster.'],
  [
    /\.proxy-[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com$/,
    "Add the role's credentials to the secrets of the RDS proxy, with the password of the database.",
  ],
]

/** The fix if the login names no known user or tenant. */
export function loginUnknownFix({ host }: Place): string {
  const known = HOSTS.find(([pattern]) => pattern.test(host.toLowerCase()))
  return (
    known?.[1] ??
    `${failureSpec('login_unknown').fix} For a pooler: its configuration lists the users and databases that it serves.`
  )
}
