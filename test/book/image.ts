/**
 * Runs the Dockerfile without a container engine: the instructions of the stages `build` and `mooring` in folders, and
 * the result as the root of a read-only mount namespace, as the image's user without capabilities. If namespaces are
 * not allowed, file modes replace the mount. Called by `npm run test:book`.
 */
import { execFile } from 'node:child_process'
import { cp, lstat, mkdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Run, runOf, type Stage, stagesOf } from './dockerfile.ts'

const run = promisify(execFile)
const NAMESPACES = ['unshare', '--mount', '--pid', '--fork', '--kill-child'] as const
const MAX_OUTPUT = 1 << 26

/** The image's root file system. */
export interface Image {
  readonly how: Run
  /** False if this user may not mount: then nothing is hidden, and file modes prevent writing. */
  readonly isMounted: boolean
  /**
   * Returns a program with its arguments, to be started in a container. `secrets` is mounted at /run/keyring, writable
   * on request.
   */
  command(
    words: readonly string[],
    container: Container,
  ): { program: string; args: string[]; env: Record<string, string> }
}

/** The settings of a container. */
export interface Container {
  readonly env: Readonly<Record<string, string>>
  readonly keyring: string
  readonly mayWrite?: boolean
}

/** Runs the instructions of the Dockerfile, which takes a minute or two. */
export async function buildImage(root: string, folder: string): Promise<Image> {
  const stages = stagesOf(await readFile(join(root, 'Dockerfile'), 'utf8'))
  const named = (name: string) => {
    const stage = stages.find(one => one.name === name)
    if (stage === undefined) throw new Error(`the Dockerfile has no stage ${name}`)
    return stage
  }
  const context = join(folder, 'context')
  await copyContext(root, context)
  const roots = { build: join(folder, 'build'), mooring: join(folder, 'image') }
  await runStage(named('build'), roots.build, () => context)
  await runStage(named('mooring'), roots.mooring, stage => (stage === 'build' ? roots.build : context))
  return imageOf(roots.mooring, runOf(named('mooring')))
}

/** Copies the files that `docker build` would send: those of the checkout, except those in .dockerignore. */
async function copyContext(root: string, context: string): Promise<void> {
  const ignored = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n').filter(Boolean)
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    maxBuffer: MAX_OUTPUT,
  })
  for (const path of stdout.split('\0').filter(Boolean)) {
    if (ignored.some(name => path === name || path.startsWith(`${name}/`))) continue
    if ((await lstat(join(root, path)).catch(() => null)) === null) continue
    await cp(join(root, path), join(context, path), { recursive: true, verbatimSymlinks: true })
  }
}

async function runStage(stage: Stage, root: string, from: (stage: string | null) => string): Promise<void> {
  let workdir = '/'
  await mkdir(root, { recursive: true })
  for (const { name, rest } of stage.instructions) {
    if (name === 'WORKDIR') {
      workdir = rest
      await mkdir(join(root, workdir), { recursive: true })
    } else if (name === 'COPY') await copy(rest, { to: join(root, workdir), from })
    else if (name === 'RUN') {
      const { PATH = '', HOME = '' } = process.env
      const env = { PATH: `${dirname(process.execPath)}:${PATH}`, HOME }
      await run('sh', ['-ec', rest], { cwd: join(root, workdir), env, maxBuffer: MAX_OUTPUT })
    }
  }
}

/**
 * Runs `COPY [--from=stage] [--chown=…] source… target`. The content of a folder is copied; a file goes into a folder
 * or takes its name.
 */
async function copy(rest: string, { to, from }: { to: string; from: (stage: string | null) => string }): Promise<void> {
  const words = rest.split(/\s+/)
  const flag = (name: string) => words.find(word => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? null
  const paths = words.filter(word => !word.startsWith('--'))
  const [sources, target = ''] = [paths.slice(0, -1), paths.at(-1)]
  for (const source of sources) {
    const path = join(from(flag('from')), source)
    const isFolder = (await lstat(path)).isDirectory()
    const place =
      !isFolder && target.endsWith('/') ? join(to, target, source.split('/').at(-1) ?? '') : resolve(to, target)
    await cp(path, place, { recursive: true, verbatimSymlinks: true })
  }
}

async function imageOf(root: string, how: Run): Promise<Image> {
  await run('chmod', ['-R', 'go-w,a+rX', root])
  const isMounted = await mayMount()
  if (!isMounted) await run('chmod', ['-R', 'a-w', root])
  else await furnish(root)
  const folder = dirname(process.execPath)
  return {
    how,
    isMounted,
    command(words, { env, keyring, mayWrite = false }) {
      const whole = { PATH: '/node:/usr/sbin:/usr/bin:/sbin:/bin', ...how.env, ...env }
      if (isMounted) {
        const [program, ...spaces] = NAMESPACES
        const mounts = ['sh', '-ec', MOUNTS, 'sh', root, keyring, mayWrite ? 'rw' : 'ro', folder]
        return { program, args: [...spaces, ...mounts, ...enter(root, how), ...words], env: whole }
      }
      const args = ['-c', 'cd "$0" && exec "$@"', join(root, how.workdir), ...words]
      return { program: 'sh', args, env: { ...whole, PATH: `${folder}:${whole.PATH}` } }
    },
  }
}

/** True for root if mounts and namespaces are allowed. */
async function mayMount(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  const [program, ...spaces] = NAMESPACES
  return run(program, [...spaces, 'mount', '--make-rprivate', '/']).then(
    () => true,
    () => false,
  )
}

/** Returns the command that enters the root as the image's user, without privileges. */
function enter(root: string, { user, workdir }: Run): string[] {
  const [uid = '', gid = ''] = user.split(':')
  const account = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  // Killed together with `unshare`, whose own option would be lost when the user changes.
  const confined = [
    'setpriv',
    '--pdeathsig=SIGKILL',
    ...account,
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
  ]
  return ['chroot', root, 'sh', '-c', `cd ${workdir} && exec ${confined.join(' ')} -- "$@"`, 'sh']
}

/** Arguments: the root, the folder of the keyring, `ro` or `rw` for it, the folder of Node; then the program. */
const MOUNTS = `R=$1 KEYRING=$2 MODE=$3 NODE=$4
shift 4
mount --make-rprivate /
mount --bind "$R" "$R"
for name in usr etc dev; do mount --rbind "/$name" "$R/$name"; done
for name in usr etc; do mount -o remount,bind,ro "$R/$name"; done
mount --bind "$NODE" "$R/node"
mount -t proc proc "$R/proc"
mount -t tmpfs tmpfs "$R/tmp"
mount --bind "$KEYRING" "$R/run/keyring"
mount -o "remount,bind,$MODE" "$R/run/keyring"
mount -o remount,bind,ro "$R"
exec "$@"`

/** Creates the folders that a base image has. */
async function furnish(root: string): Promise<void> {
  for (const name of ['usr', 'etc', 'dev', 'proc', 'tmp', 'run/keyring', 'node'])
    await mkdir(join(root, name), { recursive: true })
  for (const name of ['bin', 'lib', 'lib64', 'sbin'])
    if (
      await lstat(`/${name}`).then(
        () => true,
        () => false,
      )
    )
      await symlink(`usr/${name}`, join(root, name))
}
