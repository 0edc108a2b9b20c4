/**
 * The built console: its files, read completely into memory, since there are few and no other file can be requested. In
 * the package they lie next to the server; in a checkout `npm run build` or `npm start` puts them into `dist/`.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One file, ready to be sent, with the compressed variants from the build. */
export interface BuiltFile {
  readonly type: string
  readonly body: Buffer
  readonly brotli: Buffer | null
  readonly gzip: Buffer | null
  readonly tag: string
}

/** Files by their path below the console's folder, with a leading `/`. */
export type BuiltFiles = ReadonlyMap<string, BuiltFile>

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
  wasm: 'application/wasm',
}

const ROOT = new URL('../../../', import.meta.url)
/** The folders of a build: in the package, and in a checkout. */
const PLACES = ['console/', 'dist/mooring/console/'].map(place => fileURLToPath(new URL(place, ROOT)))

const LOOK_MS = 1_000

/** The files of the console; read at the first request, and again when another build has replaced them. */
export class BuiltConsole {
  readonly #places: readonly string[]
  #files: BuiltFiles | null = null
  #builtAt = 0
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null

  constructor(places: readonly string[] = PLACES) {
    this.#places = places
  }

  /** The files; null if none are built. Checks the disk at most once a second. */
  async files(): Promise<BuiltFiles | null> {
    if (performance.now() - this.#lookedAt >= LOOK_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = null
      })
      await this.#looking
    }
    return this.#files
  }

  async #look(): Promise<void> {
    for (const place of this.#places) {
      const builtAt = await timeOf(join(place, 'index.html'))
      if (builtAt === null) continue
      if (builtAt !== this.#builtAt) this.#files = await readAll(place)
      this.#builtAt = builtAt
      break
    }
    this.#lookedAt = performance.now()
  }
}

async function timeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch((error: unknown) => {
    if (Reflect.get(Object(error), 'code') === 'ENOENT') return null
    throw error
  })
  return found?.mtimeMs ?? null
}

async function readAll(place: string): Promise<BuiltFiles> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const texts = new Map<string, Buffer>()
  for (const path of paths) texts.set(path.slice(place.length).replaceAll('\\', '/'), await readFile(path))
  return new Map([...texts].flatMap(([path, body]) => fileOf(path, { body, texts })))
}

function fileOf(
  path: string,
  { body, texts }: { body: Buffer; texts: ReadonlyMap<string, Buffer> },
): [string, BuiltFile][] {
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)]
  if (type === undefined) return []
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return [[path, { type, body, brotli: texts.get(`${path}.br`) ?? null, gzip: texts.get(`${path}.gz`) ?? null, tag }]]
}
