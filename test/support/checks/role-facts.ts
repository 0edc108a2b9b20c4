/**
 * The facts of an unprivileged role, for tests to add something.
 */
import type { Found, RoleFacts } from '#server/domain/checks/probe.ts'

const NOTHING: Found = { count: 0, names: [] }

/** The facts of the role `app` on PostgreSQL 17. */
export const PLAIN_ROLE: RoleFacts = {
  serverVersionNum: 170_002,
  sessionUser: 'app',
  currentUser: 'app',
  actingBy: [],
  superuser: false,
  bypassRls: false,
  createRole: false,
  createDb: false,
  replication: false,
  superuserVia: [],
  bypassRlsVia: [],
  createRoleVia: [],
  createDbVia: [],
  replicationVia: [],
  serverFileRoles: [],
  serverFileFunctions: [],
  wholeDatabaseRoles: [],
  statisticsRoles: [],
  providerAdminRoles: [],
  ownsDatabase: false,
  tables: { owned: 0, ownedRlsNotForced: 0 },
  ownerBypassTables: [],
  rlsBypassingViews: NOTHING,
  privilegedDefinerFunctions: NOTHING,
  unsecuredChildren: NOTHING,
  unsecuredParents: NOTHING,
  tableRights: { truncate: 0, trigger: 0, names: [] },
  eventTriggerFunctions: NOTHING,
  calledFunctions: NOTHING,
  verifierCatalogs: [],
  secretCatalogs: [],
  secretFunctions: [],
  publicMappingServers: [],
  userMappings: 0,
  settableParameters: [],
  alterableParameters: [],
}
