/**
 * The table of operators' commands, which run directly on the database with the worker's keyring. Called by `cli.ts`,
 * never by code that serves requests.
 */

import { capabilityCommands } from '#server/operator/access/capability-commands.ts'
import { keyCommands } from '#server/operator/access/key-commands.ts'
import { keyringCommands } from '#server/operator/keyring/keyring-commands.ts'
import { moveCommands } from '#server/operator/move/commands.ts'
import { statusCommand } from '#server/operator/status/status-command.ts'
import type { Command } from './command.ts'
import { databaseCommands } from './database-commands.ts'
import { datasourceCommands } from './datasource-commands.ts'
import { organizationCommands } from './organization-commands.ts'

/** All commands, in the order of the usage text. */
export const commands: readonly Command[] = [
  statusCommand,
  ...keyCommands,
  ...organizationCommands,
  ...datasourceCommands,
  ...databaseCommands,
  ...capabilityCommands,
  ...keyringCommands,
  ...moveCommands,
]
