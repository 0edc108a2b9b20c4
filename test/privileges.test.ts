/**
 * A role is what it can become: every way in which a role is stronger than it looks, on every supported version of a real
 * server, through the real dialler. After each refusal, the fix that was printed is run, and the role passes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD_PLACEHOLDER } from '#server/domain/role-sql.ts'
import { type JudgedLogin, judgeLogin } from '#test/support/judged-login.ts'
import { installedMajors, startServer, type TestServer } from '#test/support/postgres.ts'
import { type RoleCase, SAFE_ROLES, SHOP_SQL, UNSAFE_ROLES } from '#test/support/roles.ts'

const PASSWORD = 'correct-horse-7-battery'

it('is tried on every version from 13 to 18 on Linux', () => {
  const isCovered = process.platform === 'linux' && process.arch === 'x64'
  expect(installedMajors()).toEqual(isCovered ? [13, 14, 15, 16, 17, 18] : [18])
})

describe.each(installedMajors())('on PostgreSQL %i', major => {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer({ major })
    await server.createDatabase('shop')
    await server.query(SHOP_SQL, 'shop')
  })
  afterAll(() => server?.stop())

  const applies = ({ majors = [13, 18] }: RoleCase) => majors[0] <= major && major <= majors[1]

  async function make({ name, options = '', sql = [] }: RoleCase): Promise<void> {
    const statements = [`create role :me login password '${PASSWORD}' ${options}`, ...sql]
    await server.query(statements.join(';\n').replaceAll(':me', name), 'shop')
  }

  const judged = (user: string): Promise<JudgedLogin> =>
    judgeLogin({ port: server.port, database: 'shop', user, password: PASSWORD, schema: null })

  /** Pastes what the failing lines say; answers the login to use from then on. */
  async function mend(found: JudgedLogin, user: string): Promise<string> {
    const fixes = new Set(found.judgement.checks.flatMap(({ outcome, fix }) => (outcome === 'fail' ? [fix ?? ''] : [])))
    let login = user
    for (const fix of fixes) {
      await server.query(fix.replace(PASSWORD_PLACEHOLDER, PASSWORD), 'shop')
      if (fix.includes('create role "mooring_reader"')) login = 'mooring_reader'
    }
    return login
  }

  describe('refuses, and mends by the fix that it prints,', () => {
    it.each(UNSAFE_ROLES.filter(applies))('$what', async role => {
      await make(role)
      const found = await judged(role.name)
      expect(found.failing).toEqual(role.fails)
      expect(found.judgement).toMatchObject({ outcome: 'refused', reason: 'byo_role_cannot_enforce_rls' })
      expect(JSON.stringify(found.judgement)).not.toContain(PASSWORD)

      const login = await mend(found, role.name)
      const mended = await judged(login)
      expect(mended.failing).toEqual([])
      expect(mended.judgement.outcome).toBe('passed')
      if (login === 'mooring_reader') await server.query(`drop owned by ${login}; drop role ${login}`, 'shop')
    })
  })

  describe('lets pass', () => {
    it.each(SAFE_ROLES.filter(applies))('$what', async role => {
      await make(role)
      const { failing, judgement, advised } = await judged(role.name)
      expect(failing).toEqual([])
      expect(judgement).toMatchObject({ outcome: 'passed', reason: null, retryable: false })
      expect(advised).toEqual(role.advises)
    })
  })
})
