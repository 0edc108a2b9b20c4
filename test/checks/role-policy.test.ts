/**
 * The role policy of an organization, from the operator's command to the verdict: `strict` refuses rights that bypass
 * row security, for which `enforce` only adds advisories, and every database is checked again soon after a change of
 * policy.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD_PLACEHOLDER } from '#server/domain/checks/role/role-sql.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'

let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  ;[mooring, customer] = await Promise.all([startMooring(), makeCustomer()])
  const { owner, reader } = customer.roles
  // TRUNCATE, a view past a policy, and a partition past that of its parent.
  await customer.sql(`
    set role ${owner};
    create table app.ledger (id int, holder text) partition by list (id);
    create table app.ledger_1 partition of app.ledger for values in (1);
    alter table app.ledger enable row level security;
    create policy own on app.ledger using (holder = current_user);
    create view app.everything as select * from app.ledger;
    grant select on app.ledger, app.ledger_1, app.everything to ${reader};
    grant truncate on app.orders to ${reader}`)
})
afterAll(async () => {
  await mooring?.stop()
  await customer?.drop()
})

const set = (options: Record<string, string>) =>
  operator({ db: mooring.db, databaseUrl: mooring.databaseUrl, keyringDir: '', now: () => new Date() })(
    'org',
    'set',
    options,
  )
const register = () =>
  mooring.client().datasources.register.mutate({ connectionString: customer.url(), schema: 'app', waitSeconds: 30 })
const lineOf = ({ checks }: Awaited<ReturnType<typeof register>>) => checks.find(({ outcome }) => outcome === 'fail')
const RIGHTS = ['rls_bypassing_views', 'role_partitions', 'role_table_rights']

describe('The role policy', () => {
  it('enforce adds advisories for rights that bypass row security', async () => {
    const made = await register()
    expect(made).toMatchObject({ status: 'active' })
    expect(made.advisories.map(({ item }) => item)).toEqual(expect.arrayContaining(RIGHTS))
  })

  it('strict refuses them in one line, whose fix revokes each; a role repaired with it is active', async () => {
    await set({ 'role-policy': 'strict' })
    const made = await register()
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'byo_role_cannot_enforce_rls' })
    expect(made.advisories.filter(({ item }) => RIGHTS.includes(item))).toEqual([])
    const line = lineOf(made)
    expect(line).toMatchObject({ item: 'role_row_security' })
    for (const words of ['"app"."everything"', '"app"."ledger_1"', 'empty 1 table'])
      expect(line?.actual).toContain(words)
    await customer.sql((line?.fix ?? '').replace(PASSWORD_PLACEHOLDER, customer.password))
    const again = await mooring.client().datasources.verify.mutate({ id: made.id, waitSeconds: 30 })
    expect(again).toMatchObject({ status: 'active', statusReason: null })
    const { roles } = customer
    await customer.sql(`grant truncate on app.orders to ${roles.reader}`)
  })

  it('warn and off excuse them again', async () => {
    await set({ 'role-policy': 'warn' })
    const warned = await register()
    expect(warned).toMatchObject({ status: 'active' })
    expect(warned.advisories.map(({ item }) => item)).toContain('role_table_rights')
    await set({ 'role-policy': 'off' })
    expect((await register()).advisories.filter(({ item }) => item !== 'tls')).toEqual([])
  })

  it('is applied to every database within an hour of a change, and accepts no other value', async () => {
    const made = await register()
    await set({ 'role-policy': 'strict' })
    const latest = Date.now() + 3_600_000
    const rows = await query(
      mooring.databaseUrl,
      `select due_at from tasks where datasource_id = '${bareUuid(made.id)}' and kind = 'verify'`,
    )
    expect(rows.map(row => row['due_at'] instanceof Date && row['due_at'].getTime() <= latest)).toEqual([true])
    await expect(set({ 'role-policy': 'stricter' })).rejects.toThrow('strict, enforce, warn, off')
    await expect(query(mooring.databaseUrl, `update organizations set role_policy = 'stricter'`)).rejects.toMatchObject(
      { code: '23514' },
    )
  })
})
