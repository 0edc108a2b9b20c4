/**
 * The keyrings in `status`: the current, announced and old keys, and missing keys that something needs. Only ids: it
 * never contains a key.
 */
import { KEY_KINDS, type KeyKind, type Keyrings } from '#server/seal/keyring-rotation.ts'
import type { KeyUses } from '#server/store/keys/key-uses.ts'
import type { StatusPart } from './report.ts'

/** The part. `uses` is null if the database could not be read. */
export function keyringPart(keyrings: Keyrings, uses: KeyUses | null): StatusPart {
  const keys = KEY_KINDS.flatMap(kind => keysOf(keyrings, kind))
  const inUse = keys.filter(({ state }) => state === 'in use')
  return {
    name: 'keyring',
    message: `in use: ${inUse.map(({ id }) => id).join(', ')}`,
    troubles: [
      ...KEY_KINDS.flatMap(kind => missing(kind, keys, uses)),
      ...keys.filter(({ state }) => state === 'announced').map(announced),
    ],
    facts: { keys },
  }
}

/** The part for keyrings that cannot be read. */
export function unreadableKeyring(sentence: string): StatusPart {
  return { name: 'keyring', message: 'cannot be read', troubles: [sentence], facts: { keys: null } }
}

interface DisplayedKey {
  readonly kind: KeyKind
  readonly id: string
  /** Whether new things are made with it, not yet, or no longer. */
  readonly state: 'in use' | 'announced' | 'old'
}

/** The keys of a kind in both files, each once. */
function keysOf({ web, worker }: Keyrings, kind: KeyKind): DisplayedKey[] {
  const keys = [web[kind] ?? [], worker[kind] ?? []].flatMap(list => {
    const used = list.find(key => key.announced !== true)
    return list.map((key): DisplayedKey => {
      const state = key.announced === true ? 'announced' : key === used ? 'in use' : 'old'
      return { kind, id: key.id, state }
    })
  })
  return [...new Map(keys.map(key => [key.id, key])).values()]
}

function missing(kind: KeyKind, keys: readonly DisplayedKey[], uses: KeyUses | null): string[] {
  // The programs that use a lease key are outside the installation.
  const needed = uses === null || kind === 'lease' ? [] : uses[kind]
  const lacking = needed.filter(id => !keys.some(key => key.id === id))
  return lacking.map(
    id => `${id} is needed and is not in the keyring: restore the keyrings of this installation from a backup.`,
  )
}

function announced({ kind, id }: DisplayedKey): string {
  return `${id} is announced and not in use. Send SIGHUP to every process, then run: keyring rotate-${kind}.`
}
