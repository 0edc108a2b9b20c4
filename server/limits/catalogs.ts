/**
 * Limits of an introspected catalog, and of its snapshot.
 * The customer controls the size of both.
 */
import { MAX_CATALOG_BYTES } from '#server/net/catalog/read-catalog.ts'
import { MAX_QUARANTINED } from '#server/store/tasks/quarantine.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import type { Limit } from './limit.ts'

/** Limits of catalogs. */
export const CATALOG_LIMITS: readonly Limit[] = [
  {
    what: 'A catalog',
    ...{ bound: MAX_CATALOG_BYTES, unit: 'bytes', happens: 'refused', how: '`introspection_failed`, `maxBytes`' },
    test: ['schemas/hostile-catalog', 'beyond the limits is a fault that names the limit'],
    holds: ['server/net/process/catalog-answer.ts pieces'],
  },
  {
    what: 'A snapshot, uncompressed',
    ...{
      bound: SNAPSHOT_BOUNDS.maxBytes,
      unit: 'bytes',
      happens: 'refused',
      how: '`introspection_failed`, `maxBytes`',
    },
    test: ['attacks/sizes/catalog-bounds', 'maxBytes'],
  },
  {
    what: 'Relations of a snapshot',
    ...{
      bound: SNAPSHOT_BOUNDS.maxRelations,
      unit: 'relations',
      happens: 'refused',
      how: '`introspection_failed`, `maxRelations`',
    },
    test: ['attacks/sizes/catalog-bounds', 'maxRelations'],
  },
  {
    what: 'Columns of a relation',
    ...{
      bound: SNAPSHOT_BOUNDS.maxColumns,
      unit: 'columns',
      happens: 'refused',
      how: '`introspection_failed`, `maxColumns`',
    },
    test: ['attacks/sizes/catalog-bounds', 'maxColumns'],
  },
  {
    what: 'The name of an object in a catalog',
    ...{
      bound: SNAPSHOT_BOUNDS.maxNameBytes,
      unit: 'bytes',
      happens: 'refused',
      how: '`introspection_failed`, `maxNameBytes`',
    },
    test: ['attacks/sizes/catalog-bounds', 'maxNameBytes'],
  },
  {
    what: 'The name of a type in a catalog',
    ...{
      bound: SNAPSHOT_BOUNDS.maxTypeBytes,
      unit: 'bytes',
      happens: 'refused',
      how: '`introspection_failed`, `maxTypeBytes`',
    },
    test: ['attacks/sizes/catalog-bounds', 'maxTypeBytes'],
  },
  {
    what: 'A comment, default, definition or query in a catalog',
    ...{
      bound: SNAPSHOT_BOUNDS.maxDefinitionBytes,
      unit: 'bytes',
      happens: 'cut',
      how: 'followed by its length and SHA-256; a longer one is refused, `maxDefinitionBytes`',
    },
    test: ['attacks/sizes/catalog-bounds', 'maxDefinitionBytes'],
  },
  {
    what: 'Constraints, indexes, policies or triggers of a relation',
    ...{
      bound: SNAPSHOT_BOUNDS.maxParts,
      unit: 'parts',
      happens: 'refused',
      how: '`introspection_failed`, `maxParts`',
    },
    test: ['attacks/sizes/catalog-bounds', 'maxParts'],
  },
  {
    what: 'Partitions, functions and objects of extensions in a catalog',
    ...{
      bound: SNAPSHOT_BOUNDS.maxObjects,
      unit: 'objects',
      happens: 'refused',
      how: '`introspection_failed`, `maxObjects`',
    },
    test: ['attacks/sizes/catalog-bounds', 'maxObjects'],
  },
  {
    what: 'Labels of an enum',
    ...{
      bound: SNAPSHOT_BOUNDS.maxLabels,
      unit: 'labels',
      happens: 'refused',
      how: '`introspection_failed`, `maxLabels`',
    },
    test: ['attacks/sizes/catalog-bounds', 'maxLabels'],
  },
  {
    what: 'Quarantined tasks, which have killed workers, of all organizations',
    ...{ bound: MAX_QUARANTINED, unit: 'tasks', happens: 'waits', how: 'one per organization; due until then' },
    test: ['attacks/sizes/task-takes-workers-down', 'one of its organization and two in all'],
    holds: ['server/work/quarantine.ts #running'],
  },
]
