import { createHash } from 'node:crypto'
import { readFileSync, existsSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { catalogSql } from '#server/net/catalog.ts'
import { createCatalogReader } from '#server/net/catalog-reader.ts'
import { canonicalText } from '#shared/snapshot-canonical.ts'
const req = { schemas: null, excludedSchemas: [] }
const file = '/tmp/d/rows.jsonl'
if (process.argv[2] === 'make') {
  const c = new pg.Client({ connectionString: process.env['PGURL']!.replace(/\/postgres$/, '/b10000') }); await c.connect()
  const res: any = await c.query({ text: `begin;${catalogSql(req)};commit`, rowMode: 'array' }); const rows = [res].flat().find((r: any) => r.rows.length > 0).rows.map((r: string[]) => r[0])
  await c.end(); writeFileSync(file, rows.map((r: string) => r.replaceAll('\n', ' ')).join('\n')); process.exit()
}
const fs = await import('node:fs'); const rl = (await import('node:readline')).createInterface({ input: fs.createReadStream(file) })
const mem = (n: string) => { const m = process.memoryUsage(); console.log(n.padEnd(20), 'rss', (m.rss / 1e6).toFixed(), 'heapUsed', (m.heapUsed / 1e6).toFixed(), 'heapTotal', (m.heapTotal / 1e6).toFixed(), 'max', (process.resourceUsage().maxRSS / 1e3).toFixed()) }
const gc = (globalThis as any).gc ?? (() => {})
mem('start')
for (let i = 0; i < 3; i++) {
const reader = createCatalogReader(req, { maxBytes: 1 << 26, maxRelations: 50000 })
const rl2 = (await import('node:readline')).createInterface({ input: fs.createReadStream(file) })
for await (const line of rl2) reader.row(line)
mem('rows'); gc(); mem('rows gc')
const s = reader.finish(); mem('finish'); gc(); mem('finish gc')
const t = canonicalText(s); mem('canonical'); createHash('sha256').update(t).digest('hex'); gc(); mem('canonical gc')
console.log(t.length)
}
