/** Temporary. */

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { makeCustomer } from '#test/support/customer.ts'
import { filled } from '#test/support/exchange.ts'
import { closedPort, givensOf, startSilent } from '#test/support/givens.ts'
import { type Mooring, startMooring } from '#test/support/mooring.ts'
import { query } from '#test/support/postgres.ts'
import { portOf } from '#test/support/recorded-connect.ts'

const only = process.env['ONLY']
it('records', { timeout: 600_000 }, async () => {
  const specs = JSON.parse(readFileSync('/tmp/specs.json', 'utf8')).filter(
    (s: any) => !only || new RegExp(only).test(s.file),
  )
  const customer = await makeCustomer()
  const changing = await makeCustomer()
  const silent = await startSilent()
  const closed = await closedPort()
  const moorings = new Map<string, Mooring>()
  for (const spec of specs) {
    const key = JSON.stringify([spec.with, spec.after, spec.worker])
    if (!moorings.has(key)) {
      const env: Record<string, string> = { MOORING_PUBLIC_URL: 'https://mooring.example.com' }
      if (spec.with) env[spec.with.split('=')[0]] = spec.with.split('=')[1]
      const m = await startMooring({ env, worker: spec.worker === true })
      if (spec.after) await query(m.databaseUrl, spec.after)
      moorings.set(key, m)
    }
    const mooring = moorings.get(key)!
    const given0 = await givensOf({ mooring, customer, changing, silentPort: portOf(silent), closedPort: closed })
    const known = new Map<string, string>()
    const given = async (n: string) => {
      const v = await given0(n)
      known.set(n, v)
      return v
    }
    const parts: string[] = []
    let lastTag = ''
    for (const q of spec.reqs) {
      q.headers = q.headers.map((h: string) => h.replace('"RECORD"', lastTag))
      const [method, path] = q.line.split(' ')
      const p = await filled(path, given)
      const body = q.body === null ? undefined : await filled(q.body, given)
      const headers = new Headers()
      for (const h of q.headers) {
        const v = await filled(h, given)
        headers.set(v.slice(0, v.indexOf(':')), v.slice(v.indexOf(':') + 2))
      }
      const res = await fetch(mooring.url + p, { method, headers, ...(body === undefined ? {} : { body }) })
      const text = await res.text()
      lastTag = res.headers.get('etag') ?? ''
      await given('host')
      await given('port')
      await given('database')
      await given('closedPort')
      const reverse = (s: string) => {
        for (const [n, v] of [...known].sort((a, b) => b[1].length - a[1].length)) {
          if (['kilobytes70', 'characters256'].includes(n)) continue
          s = s.split(v).join(`{{${n}}}`)
        }
        return s
          .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '{{any:uuid}}')
          .replace(/(ds_test_|ds_|dse_|cap_|snap_)[0-9a-f]{32}/g, '$1{{any:hex}}')
          .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '{{any:time}}')
          .replace(/req_[0-9a-f]{32}/g, 'req_{{any:hex}}')
          .replace(/rk_test_[0-9A-Za-z]{36}/g, 'rk_test_{{any:text}}')
      }
      const norm = (v: any, k: string): any => {
        if (k === 'checks' && Array.isArray(v) && v.length > 3) return '{{any}}'
        if (['created', 'taken', 'seen', 'credential_version'].includes(k) && typeof v === 'number')
          return k === 'credential_version' ? v : '{{any:number}}'
        if (k === 'credential_fingerprint' && v) return '{{any:text}}'
        if (k === 'fingerprint') return '{{any:text}}'
        if (k === 'key' && typeof v === 'string') return '{{any:text}}'
        if (k === 'details' && v === null) return null
        if (k === 'input' && typeof v === 'string' && v.length > 60) return '{{any:text}}'
        if (Array.isArray(v)) return v.map(x => norm(x, ''))
        if (v && typeof v === 'object')
          return Object.fromEntries(Object.entries(v).map(([kk, vv]) => [kk, norm(vv, kk)]))
        return v
      }
      const shown = q.show
        .filter((h: string) => res.headers.get(h) !== null)
        .map((h: string) => {
          const v = res.headers.get(h)!
          return `${h}: ${h === 'x-request-id' ? '{{any:text}}' : h === 'etag' && !/^(GET|HEAD) \S+datasources$|^GET \S+connections$/.test(q.line) ? '"{{any:text}}"' : h === 'retry-after' ? '{{any:number}}' : v}`
        })
      let out = ''
      if (text !== '')
        out = reverse(JSON.stringify(norm(JSON.parse(text), ''), null, 2)).replace(/"port": (\d+)/g, (m, n) =>
          n === known.get('port') ? '"port": {{port}}' : n === known.get('closedPort') ? '"port": {{closedPort}}' : m,
        )
      parts.push(
        [
          q.line,
          ...q.headers,
          ...(q.body === null ? [] : ['', q.body]),
          '',
          `HTTP/1.1 ${res.status} ${res.statusText}`,
          ...shown,
          ...(out ? ['', out] : []),
        ].join('\n'),
      )
    }
    const head = [
      `# ${spec.says}`,
      ...(spec.with ? [`# with: ${spec.with}`] : []),
      ...(spec.worker ? ['# with: worker'] : []),
      ...(spec.after ? [`# after: ${spec.after}`] : []),
    ].join('\n')
    writeFileSync(`test/exchanges/${spec.file}.http`, `${head}\n${parts.join('\n\n###\n')}\n`)
  }
  for (const m of moorings.values()) await m.stop()
  silent.close()
  await once(silent, 'close')
  await customer.drop(); await changing.drop()
  expect(1).toBe(1)
})
