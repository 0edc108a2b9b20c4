/** A13: a keyring that another user of the machine could replace is refused. */
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { initKeyrings, readKeyrings, readWebKeyring, readWorkerKeyring } from '#server/seal/keyring-file.ts'

let root: string
let dir: string
let path: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mooring-shared-'))
  dir = join(root, 'keyring')
  path = join(dir, 'worker.json')
  await initKeyrings(dir, newKeyId)
})
afterEach(async () => {
  await chmod(root, 0o700)
  await rm(root, { recursive: true, force: true })
})

const refusal = (reading: Promise<unknown>) =>
  reading.then(
    () => 'read',
    (error: Error) => error.message,
  )

describe.skipIf(process.platform === 'win32')('A keyring', () => {
  it('that only its owner can read is read from a folder of the same kind, under a sticky one', async () => {
    expect(await refusal(readWorkerKeyring(path))).toBe('read')
    await chmod(root, 0o1777)
    expect(await refusal(readWorkerKeyring(path))).toBe('read')
  })

  it.each([0o777, 0o1777, 0o772, 0o770])('in a folder of mode %o is refused, by every reader', async mode => {
    await chmod(dir, mode)
    const says = `The keyring's folder ${dir} can be written by others. Run: chmod go-w ${dir}`
    const readers = [
      () => readWorkerKeyring(path),
      () => readWebKeyring(join(dir, 'web.json')),
      () => readKeyrings(dir),
    ]
    for (const read of readers) expect(await refusal(read())).toBe(says)
    await chmod(dir, 0o755)
    expect(await refusal(readWorkerKeyring(path))).toBe('read')
  })

  it('under a folder that everybody can write to is refused, since the whole folder could be replaced', async () => {
    await chmod(root, 0o777)
    expect(await refusal(readWorkerKeyring(path))).toBe(
      `The keyring lies under ${root}, which everyone can write to. Run: chmod o-w ${root}`,
    )
  })

  it('behind a link is refused, and the error names the target', async () => {
    const other = join(root, 'other.json')
    await rename(path, other)
    await symlink(other, path)
    expect(await refusal(readWorkerKeyring(path))).toBe(
      `The keyring ${path} is a symbolic link. Name its target, ${other}, or print it with MOORING_KEYRING_COMMAND.`,
    )
    await rm(other)
    expect(await refusal(readWorkerKeyring(path))).toMatch(/is a symbolic link\. Name the file itself\.$/)
  })

  it('in a folder behind a link is refused', async () => {
    await symlink(dir, join(root, 'current'))
    expect(await refusal(readWorkerKeyring(join(root, 'current', 'worker.json')))).toMatch(
      /^The keyring's folder .*current is a symbolic link\. Name its target/,
    )
  })

  it.skipIf(process.getuid?.() !== 0)('of another owner is refused, and so is a folder of another owner', async () => {
    await chown(path, 12_345, 12_345)
    expect(await refusal(readWorkerKeyring(path))).toBe(
      `The keyring ${path} belongs to another user (uid 12345), and this process runs as uid 0. Run as that user, or: chown 0 ${path}`,
    )
    await chown(path, 0, 0)
    await chown(dir, 12_345, 12_345)
    expect(await refusal(readWorkerKeyring(path))).toMatch(/^The keyring's folder .* belongs to another user/)
  })

  it('is not created in a folder that would be refused, and nothing is left there', async () => {
    const open = join(root, 'open')
    await mkdir(open)
    await chmod(open, 0o777)
    expect(await refusal(initKeyrings(open, newKeyId))).toMatch(/can be written by others\. Run: chmod go-w/)
    await expect(readFile(join(open, 'web.json'))).rejects.toThrow(/ENOENT/)
    await writeFile(join(root, 'folder-file'), '')
    await expect(readWorkerKeyring(join(root, 'folder-file', 'worker.json'))).rejects.toThrow(/There is no keyring/)
  })
})
