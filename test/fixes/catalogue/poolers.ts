/**
 * PgBouncer between Mooring and the server: its
 * users, databases, logins and TLS.
 */
import type { Misconfiguration } from '#test/fixes/misconfiguration.ts'

const unsafe = { reason: 'authentication_unsafe', item: 'authenticate' } as const
const refused = {
  reason: 'authentication_failed',
  item: 'authenticate',
  cause: 'user name or password refused (SQLSTATE 08P01)',
  fix: ['auth_file'],
} as const

/** The misconfigurations of this group. */
export const POOLERS: readonly Misconfiguration[] = [
  { title: 'The pooler does not know the user', pooler: { isLoginKnown: false }, says: refused },
  { title: 'The pooler has a former password of the user', pooler: { password: 'a-former-password' }, says: refused },
  {
    title: 'The pooler does not serve the database',
    pooler: { databases: at => [`postgres = ${at}`] },
    says: { reason: 'database_not_found', item: 'database', cause: 'no such database', fix: ['[databases]'] },
  },
  {
    title: 'The pooler does not offer TLS',
    pooler: { settings: { client_tls_sslmode: 'disable' } },
    says: {
      ...{ reason: 'tls_failed', item: 'tls', cause: 'the server does not offer TLS' },
      fix: ['client_tls_sslmode = allow'],
    },
  },
  {
    title: 'The pooler trusts everybody',
    pooler: { settings: { auth_type: 'trust' } },
    says: { ...unsafe, cause: 'a server that did not prove that it knows', fix: ['auth_type = scram-sha-256'] },
  },
  {
    title: 'The pooler asks for the password in clear',
    pooler: { settings: { auth_type: 'plain' } },
    says: {
      ...unsafe,
      cause: 'a request for the password in clear text or as MD5',
      fix: ['auth_type = scram-sha-256'],
    },
  },
  {
    title: 'Channel binding is required, which the pooler does not offer',
    pooler: {},
    attempt: () => ({ parameters: { channel_binding: 'require' } }),
    says: { ...unsafe, cause: 'no channel binding' },
  },
]
