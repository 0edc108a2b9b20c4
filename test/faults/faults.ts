/**
 * Every fault that the runner applies to an installation,
 * in the order of the table.
 */
import { clocksApart } from '#test/faults/kinds/clocks.ts'
import { fullDisk } from '#test/faults/kinds/full-disk.ts'
import { otherKeyring } from '#test/faults/kinds/keyring.ts'
import { pooled } from '#test/faults/kinds/pooled.ts'
import { processesKilled, workerFrozen } from '#test/faults/kinds/processes.ts'
import { promoted } from '#test/faults/kinds/promoted.ts'
import { readOnly } from '#test/faults/kinds/read-only.ts'
import { frozen, killed, restarted } from '#test/faults/kinds/restarted.ts'
import { restored } from '#test/faults/kinds/restored.ts'
import { rolling } from '#test/faults/kinds/rolling.ts'
import { exhausted, openTransaction, organizationLocked } from '#test/faults/kinds/strangers.ts'
import { swallowed } from '#test/faults/kinds/swallowed.ts'
import type { Fault } from './fault.ts'

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
  rolling(),
  pooled('session'),
  pooled('transaction'),
]
