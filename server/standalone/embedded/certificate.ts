/**
 * The self-signed TLS certificate of an embedded server: for this machine only, stored with the cluster.
 *
 * Nobody vouches for it, so it only serves `sslmode=require`, where SCRAM channel binding authenticates the server. The
 * key never leaves the data folder. Called by `server/standalone/embedded/embedded.ts`.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeSelfSigned } from './self-signed.ts'

/** Certificate and key as PEM. */
export interface TlsPair {
  readonly cert: string
  readonly key: string
}

const YEAR_MS = 365 * 24 * 3600 * 1000
const VALID_MS = 10 * YEAR_MS

/** Returns the pair in the data folder, or a new one if none is valid for another year. */
export async function ownCertificate(pgdata: string, now: Date): Promise<TlsPair> {
  const [cert, key] = await Promise.all(['server.crt', 'server.key'].map(name => read(join(pgdata, name))))
  if (cert && key && isGood({ cert, key }, now)) return { cert, key }
  return makeCertificate(now)
}

/** False for a pair in its last year, and for mismatched halves, which a killed process may have left. */
function isGood({ cert, key }: TlsPair, now: Date): boolean {
  try {
    const read = new X509Certificate(cert)
    return read.validToDate.getTime() > now.getTime() + YEAR_MS && read.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function makeCertificate(now: Date): TlsPair {
  return makeSelfSigned({
    commonName: 'Mooring embedded PostgreSQL',
    names: ['localhost'],
    addresses: ['127.0.0.1'],
    notBefore: now,
    notAfter: new Date(now.getTime() + VALID_MS),
  })
}

function read(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null)
}
