/**
 * Every fault that is done to an installation, in the order of the table. Read by the runner.
 */
import { clocksApart } from './clocks.ts'
import type { Fault } from './fault.ts'
import { fullDisk } from './full-disk.ts'
import { otherKeyring } from './keyring.ts'
import { pooled } from './pooled.ts'
import { processesKilled, workerFrozen } from './processes.ts'
import { promoted } from './promoted.ts'
import { readOnly } from './read-only.ts'
import { frozen, killed, restarted } from './restarted.ts'
import { restored } from './restored.ts'
import { exhausted, openTransaction, organizationLocked } from './strangers.ts'
import { swallowed } from './swallowed.ts'

/** The list. */
export const FAULTS: readonly Fault[] = [
  restarted,
  killed,
  frozen,
  swallowed(),
  readOnly,
  fullDisk,
  promoted(),
  exhausted,
  openTransaction,
  organizationLocked,
  clocksApart,
  otherKeyring,
  restored(),
  processesKilled,
  workerFrozen,
  pooled('session'),
  pooled('transaction'),
]
