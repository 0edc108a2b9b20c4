/**
 * The class and the reason of each change of a relation and of its parts, word for word: constraints, indexes,
 * policies, triggers, rules, partitions and publications. `drift-rules.test.ts` says how the vectors are reviewed.
 */
import { expect, it } from 'vitest'
import { across, id, inTable, note, type Pair, type Part, t, texts } from '#test/support/schemas/changed.ts'

const file = (name: string) => `../../vectors/schemas/drift-${name}.txt`
const constraint = inTable('constraints', { name: 'c', kind: 'check', columns: ['note'] })
const check = (definition: string, more: Part = {}) => ({ definition: `CHECK (${definition})`, ...more })
const key = inTable('constraints', { name: 'k', kind: 'unique', columns: ['note'] })
const references = { schema: 'public', relation: 'u', columns: ['id'], onUpdate: 'no_action', onDelete: 'no_action' }
const foreign = inTable('constraints', { name: 'f', kind: 'foreign_key', columns: ['note'], references })
const NULL = '(note IS NOT NULL)'
const LONG = "(note <> ''::text)"
const added = { name: 'a', type: 'text' }
const both = `((note IS NOT NULL) AND ${LONG})`

/** A constraint over a new column, which has the properties. */
const onNew = (part: Part, more: Part = {}): Pair =>
  t({}, { columns: [id, note, { ...added, ...more }], constraints: [{ name: 'c', columns: ['a'], ...part }] })
const unique = (more: Part) => onNew({ kind: 'unique' }, more)
const required = [id, { ...note, notNull: true }]

const CONSTRAINTS: Readonly<Record<string, Pair>> = {
  'a check': constraint(null, check(LONG)),
  'a check for null': constraint(null, check(NULL)),
  'a check for null that is refused': t(
    { columns: required },
    { columns: required, constraints: [{ name: 'c', kind: 'check', columns: ['note'], ...check(NULL) }] },
  ),
  'a check for null that new rows may not have': t(
    { columns: [id, { ...note, notNullUnvalidated: true }] },
    {
      columns: [id, { ...note, notNullUnvalidated: true }],
      constraints: [{ name: 'c', kind: 'check', columns: ['note'], ...check(NULL) }],
    },
  ),
  'a check for null and more where null is refused': t(
    { columns: required },
    { columns: required, constraints: [{ name: 'c', kind: 'check', columns: ['note'], ...check(both) }] },
  ),
  'a check for null and more': constraint(null, check(both)),
  'a check for null beside another': t(
    { constraints: [{ name: 'a', kind: 'check', columns: ['note'], ...check(both) }] },
    {
      constraints: [
        { name: 'a', kind: 'check', columns: ['note'], ...check(both) },
        { name: 'b', kind: 'check', columns: ['note'], ...check(NULL) },
      ],
    },
  ),
  'a check with another name': constraint({ name: 'a', ...check(LONG) }, { name: 'b', ...check(LONG) }),
  'a check with another name and a comment': constraint(
    { name: 'a', ...check(LONG) },
    { name: 'b', ...check(LONG), comment: 'x' },
  ),
  'a check that says something else': constraint(check(LONG), check("(note <> 'x'::text)")),
  'a check that now refuses null': constraint(check(LONG), check(NULL)),
  'a check that now refuses null, which was refused': t(
    { columns: required, constraints: [{ name: 'c', kind: 'check', columns: ['note'], ...check(LONG) }] },
    { columns: required, constraints: [{ name: 'c', kind: 'check', columns: ['note'], ...check(NULL) }] },
  ),
  'a check that is valid': constraint({ definition: `CHECK (${LONG}) NOT VALID` }, check(LONG)),
  'a check for null that is valid': constraint({ definition: `CHECK (${NULL}) NOT VALID` }, check(NULL)),
  'a check that is valid and says something else': constraint(
    { definition: `CHECK (${LONG}) NOT VALID` },
    check("(note <> 'x'::text)"),
  ),
  'a check that says something else on another server': across(constraint(check(LONG), check("(note <> 'x'::text)"))),
  'a check in other words on another server': across(
    constraint(check("(t.note <> ''::text)"), check("(note <> ''::text)")),
  ),
  'a key': key(null, {}),
  'a key over other columns': key({}, { columns: ['id'] }),
  'a check over other columns': constraint(check(LONG), { columns: ['id'], ...check(LONG) }),
  'a key of another kind': key({}, { kind: 'primary_key' }),
  'a key with another name': key({ name: 'a' }, { name: 'b' }),
  'a key with a clause': key({ name: 'a' }, { name: 'b', definition: 'UNIQUE (note) DEFERRABLE' }),
  'a key over more': key({ name: 'a' }, { name: 'b', columns: ['note', 'id'] }),
  'a primary key in place of a key': key({ name: 'a' }, { name: 'b', kind: 'primary_key' }),
  'an exclusion': key(null, { kind: 'exclusion', definition: 'EXCLUDE USING gist (note WITH =)' }),
  'a foreign key': foreign(null, {}),
  'a foreign key with another name': foreign({ name: 'a' }, { name: 'b' }),
  'a foreign key with another target': foreign({}, { references: { ...references, onDelete: 'cascade' } }),
  'a foreign key that is valid': foreign({ definition: 'FOREIGN KEY (note) REFERENCES u(id) NOT VALID' }, {}),
  'a foreign key that is deferrable': foreign({ definition: 'FOREIGN KEY (note) REFERENCES u(id) DEFERRABLE' }, {}),
  'the comment and origin of a constraint': key({}, { comment: 'x', inherited: true }),
  'a check of a new column': onNew({ kind: 'check', ...check("(a <> ''::text)") }),
  'a check of a new column for null': onNew({ kind: 'check', ...check('(a IS NOT NULL)') }),
  'a check of a new column for null, which has a default': onNew(
    { kind: 'check', ...check('(a IS NOT NULL)') },
    { default: '1' },
  ),
  'a check of a new column that null fails': onNew({ kind: 'check', ...check("(COALESCE(a, ''::text) <> ''::text)") }),
  'a check of a new column that null fails, in small letters': onNew({
    ...{ kind: 'check', ...check("(coalesce(a, ''::text) <> ''::text)") },
  }),
  'a check without columns': onNew({ kind: 'check', columns: [], ...check('(now() > now())') }),
  'a check of a new column and another': onNew({ kind: 'check', columns: ['a', 'note'], ...check('(a <> note)') }),
  'a foreign key of a new column': onNew({ kind: 'foreign_key', references }),
  'a key over a new column': unique({}),
  'a key over a new column that counts null': onNew({ kind: 'unique', definition: 'UNIQUE NULLS NOT DISTINCT (a)' }),
  'a key over a new column with a default': unique({ default: "'a'::text" }),
  'a key over a new column with a number of its own': unique({ default: "nextval('s'::regclass)" }),
  'a key over a new column with a UUID': unique({ default: 'gen_random_uuid()' }),
  'a key over a new column with a UUID of an extension': unique({ default: 'ext.uuid_generate_v4()' }),
  'a key over a new column with an identity': unique({ identity: 'always' }),
  'a key over a new column that is computed': unique({ generated: 'upper(note)' }),
  'a key over two new columns': t(
    {},
    {
      columns: [id, note, added, { ...added, name: 'b', default: '1' }],
      constraints: [{ name: 'c', kind: 'unique', columns: ['a', 'b'] }],
    },
  ),
}

const index = inTable('indexes', { name: 'i', definition: 'CREATE INDEX i ON public.t USING btree (note)' })
const UNIQUE = { unique: true, definition: 'CREATE UNIQUE INDEX i ON public.t USING btree (note)' }
const namedIndex = (name: string, more: Part = {}) => ({
  ...{ name, definition: `CREATE INDEX ${name} ON public.t USING btree (note)` },
  ...more,
})
const indexOnNew = (text: string, more: Part = {}): Pair =>
  t(
    { columns: [id, { ...note, name: 'No"te' }] },
    {
      columns: [id, { ...note, name: 'No"te' }, { ...added, ...more }],
      indexes: [{ name: 'a_id', unique: true, definition: `CREATE UNIQUE INDEX a_id ON public.t ${text}` }],
    },
  )
const policy = inTable('policies', { name: 'p', command: 'all', roles: ['public'] })
const secured = (before: Part[], after: Part[]): Pair => {
  const side = (list: Part[]) => ({
    rowSecurity: true,
    policies: list.map(it => ({ name: 'p', command: 'all', roles: ['public'], ...it })),
  })
  return t(side(before), side(after))
}

const INDEXES: Readonly<Record<string, Pair>> = {
  'an index': index(null, {}),
  'a unique index': index(null, UNIQUE),
  'an index with another name': t({ indexes: [namedIndex('a')] }, { indexes: [namedIndex('b')] }),
  'an index with a quoted name': t(
    { indexes: [namedIndex('a')] },
    {
      indexes: [{ ...namedIndex('B"b'), definition: 'CREATE INDEX "B""b" ON public.t USING btree (note)' }],
    },
  ),
  'an index of another kind': t(
    { indexes: [namedIndex('a')] },
    {
      indexes: [{ name: 'b', definition: 'CREATE INDEX b ON public.t USING hash (note)' }],
    },
  ),
  'a unique index in place of a key': t(
    { constraints: [{ name: 'k', kind: 'unique', columns: ['note'] }] },
    {
      indexes: [{ name: 'i', ...UNIQUE }],
    },
  ),
  'a unique index over part of the rows in place of a key': t(
    { constraints: [{ name: 'k', kind: 'unique', columns: ['note'] }] },
    { indexes: [{ name: 'i', ...UNIQUE, definition: `${UNIQUE.definition} WHERE (id > 1)` }] },
  ),
  'a unique index that is not ready in place of a key': t(
    { constraints: [{ name: 'k', kind: 'unique', columns: ['note'] }] },
    { indexes: [{ name: 'i', ...UNIQUE, invalid: true }] },
  ),
  'a unique index of another kind in place of a key': t(
    { constraints: [{ name: 'k', kind: 'unique', columns: ['note'] }] },
    { indexes: [{ name: 'i', unique: true, definition: 'CREATE UNIQUE INDEX i ON public.t USING hash (note)' }] },
  ),
  'a unique index over a quoted column in place of a key': t(
    { constraints: [{ name: 'k', kind: 'unique', columns: ['No"te', 'id'] }] },
    {
      indexes: [
        { name: 'i', unique: true, definition: 'CREATE UNIQUE INDEX i ON public.t USING btree ("No""te", id)' },
      ],
    },
  ),
  'the properties of an index': index(
    {},
    { unique: true, invalid: true, comment: 'x', inherited: true, definition: 'CREATE INDEX …' },
  ),
  'an index in other words on another server': across(
    index(
      { definition: 'CREATE INDEX i ON t USING btree ((note))' },
      {
        definition: 'CREATE INDEX i ON t USING btree (note)',
      },
    ),
  ),
  'a unique index over a new column': indexOnNew('USING btree (a)'),
  'a unique index over a new column with a default': indexOnNew('USING btree (a)', { default: "'a'::text" }),
  'a unique index over a new column that counts null': indexOnNew('USING btree (a) NULLS NOT DISTINCT'),
  'a unique index over an expression of a new column': indexOnNew('USING btree (lower(a))'),
  'a unique index over a new column and a quoted one': indexOnNew('USING btree (a, "No""te")'),
  'a unique index over a new column for some rows': indexOnNew('USING btree (a) WHERE (id > 1)'),
  'a unique index over no column': indexOnNew('USING btree ((1))'),
}

const insert = { name: 'q', command: 'insert' }
const narrow = { name: 'q', restrictive: true, using: '(a)' }

const POLICIES: Readonly<Record<string, Pair>> = {
  'a policy': policy(null, {}),
  'a restrictive policy': policy(null, { restrictive: true }),
  'a policy with another name': policy({ name: 'a' }, { name: 'b' }),
  'the properties of a policy': policy(
    {},
    { command: 'select', restrictive: true, roles: ['a'], using: '(a)', check: '(b)', comment: 'x' },
  ),
  'other rows of a policy': policy({ using: '(a)', check: '(a)' }, { using: '(b)', check: '(b)' }),
  'the last policy': secured([{}], []),
  'the last policy for reading': secured([{ command: 'select' }, insert], [insert]),
  'the last permissive policy': secured([{}, narrow], [narrow]),
  'a policy beside another': secured([{}, { name: 'q', command: 'select' }], [{}]),
  'the command of the last policy': secured([{}], [{ command: 'update' }]),
  'the command of a policy beside another': secured([{}, { name: 'q' }], [{}, { name: 'q', command: 'update' }]),
  'a last policy that is now restrictive': secured([{}], [{ restrictive: true }]),
}

const trigger = inTable('triggers', { name: 'g', timing: 'before', events: ['insert'], function: 'public.f' })
const rule = inTable('rules', { name: 'r', event: 'update', definition: 'CREATE RULE r AS ON UPDATE DO NOTHING' })
const ofView = (list: string, part: Part): Pair => t({ kind: 'view', [list]: [part] }, { kind: 'view' })
const someTrigger = { name: 'g', timing: 'instead_of', events: ['insert'], function: 'public.f' }
const someRule = { name: 'r', event: 'update', definition: 'CREATE RULE r AS ON UPDATE DO NOTHING' }
const published = inTable('published', { name: 'p' })
const partition = inTable('partitions', { name: 'public.a', bound: 'FOR VALUES IN (1)' })
const own = (...parts: Part[]) => ({ own: parts.map(it => ({ name: '', ...it })) })
const bounds = (...list: Part[]) => ({ kind: 'partitioned_table', partitions: list })
const a = { name: 'public.a', bound: 'FOR VALUES IN (1)' }
const rest = { name: 'public.b', bound: 'DEFAULT' }

const TRAITS: Readonly<Record<string, Pair>> = {
  'a trigger': trigger(null, {}),
  'a trigger that is off': trigger(null, { enabled: 'disabled' }),
  'a trigger with another name': trigger({ name: 'a' }, { name: 'b' }),
  'a trigger of a view': ofView('triggers', someTrigger),
  'a trigger of a view that is off': ofView('triggers', { ...someTrigger, enabled: 'disabled' }),
  'the properties of a trigger': trigger(
    {},
    {
      ...{ timing: 'after', events: ['update'], columns: ['note'], forEachRow: true, function: 'public.g' },
      ...{ constraint: 'deferred', hash: '1', enabled: 'always', comment: 'x' },
    },
  ),
  'the text of a trigger': trigger({ hash: '1' }, { hash: '2' }),
  'the text of a trigger on another server': across(trigger({ hash: '1' }, { hash: '2' })),
  'a rule': rule(null, {}),
  'a rule that is off': rule(null, { enabled: 'disabled' }),
  'a rule with another name': rule(
    { name: 'a', definition: 'CREATE RULE a AS\n    ON UPDATE DO NOTHING' },
    { name: 'b', definition: 'CREATE RULE b AS\n    ON UPDATE DO NOTHING' },
  ),
  'a rule of a view': ofView('rules', someRule),
  'a rule of a view that is off': ofView('rules', { ...someRule, enabled: 'disabled' }),
  'the properties of a rule': rule(
    {},
    { event: 'insert', instead: true, enabled: 'always', definition: 'CREATE …', comment: 'x' },
  ),
  'a publication': published(null, {}),
  'the columns and rows of a publication': published({}, { columns: ['id'], filter: '(id > 1)' }),
  'other rows of a publication': published({ filter: '(id > 1)' }, { filter: '(id > 2)' }),
  'a partition': t(bounds(rest), bounds(a, rest)),
  'the only partition': t(bounds(a), bounds()),
  'the default partition': t(bounds(a, rest), bounds(a)),
  'another table with the same bound': t(bounds(a), bounds({ ...a, name: 'public.c' })),
  'the properties of a partition': partition(
    {},
    {
      ...{ of: 'public.b', bound: 'DEFAULT', partitionKey: 'RANGE (id)', unlogged: true, server: 's' },
      ...{ options: [{ name: 'a', value: 'b' }], ...own({ kind: 'index', name: 'i', definition: 'x' }) },
    },
  ),
  'comments and storage of a partition': partition(
    own({ kind: 'index', name: 'i' }, { kind: 'comment', definition: 'x' }),
    own({ kind: 'index', name: 'i' }, { kind: 'storage', definition: 'fillfactor=70' }),
  ),
  'an index of a partition': partition(own({ kind: 'index', name: 'i' }), own({ kind: 'index', name: 'j' })),
  'an index of a partition on another server': across(
    partition(own({ kind: 'index', name: 'i' }), own({ kind: 'index', name: 'j' })),
  ),
}

const permissive = { policies: [{ name: 'p', command: 'all', roles: ['public'] }] }
const view = (before?: string, after?: string): Pair => {
  const side = (options?: string) => ({ kind: 'view', ...(options !== undefined && { options }) })
  return t(side(before), side(after))
}

const RELATIONS: Readonly<Record<string, Pair>> = {
  'a partitioned table': t({}, { kind: 'partitioned_table' }),
  'a view in place of a table': t({}, { kind: 'view' }),
  'row security without a policy': t({}, { rowSecurity: true }),
  'row security with a policy': t(permissive, { ...permissive, rowSecurity: true }),
  'row security for the owner, while it is off': t({}, { rowSecurityForced: true }),
  'row security for the owner without a policy': t(
    { rowSecurity: true },
    { rowSecurity: true, rowSecurityForced: true },
  ),
  'row security for the owner with a policy': t(
    { ...permissive, rowSecurity: true },
    { ...permissive, rowSecurity: true, rowSecurityForced: true },
  ),
  'the properties of a table': t(
    {},
    {
      ...{ comment: 'x', partitionKey: 'RANGE (id)', server: 's', unlogged: true, replicaIdentity: 'index' },
      ...{ replicaIndex: 'i', inherits: [{ schema: 'public', name: 'u' }], bound: 'DEFAULT', ofType: 'public.c' },
      ...{ partitionOf: { schema: 'public', name: 'u' }, serverOptions: [{ name: 'a' }], storage: 'fillfactor=70' },
    },
  ),
  'a published table without an identity': t(
    { published: [{ name: 'p' }] },
    { published: [{ name: 'p' }], replicaIdentity: 'nothing' },
  ),
  'a table without an identity': t({}, { replicaIdentity: 'nothing' }),
  'a published table with all columns as identity': t(
    { published: [{ name: 'p' }] },
    { published: [{ name: 'p' }], replicaIdentity: 'full' },
  ),
  'the query of a view': t({ kind: 'view', definition: ' SELECT 1;' }, { kind: 'view', definition: ' SELECT 2;' }),
  'a view that runs for its caller': view(undefined, 'security_invoker=true'),
  'a view that runs for its caller, in other words': view('security_invoker=on', 'security_invoker=1'),
  'a view that runs for its caller with a barrier': view(
    'security_barrier=true, security_invoker=yes',
    'security_barrier=true, security_invoker=false',
  ),
  'a view with a barrier': view(undefined, 'security_barrier=true'),
  'a permission': t({ may: ['select'] }, { may: ['select', 'insert'] }),
  'no permission': t({ may: ['select'] }, {}),
  'a permission of all columns': t(
    { may: ['select', 'update'] },
    {
      may: ['update'],
      columns: [
        { ...id, may: ['select'] },
        { ...note, may: ['select'] },
      ],
    },
  ),
  'columns in another order': t({ columns: [id, note] }, { columns: [note, id] }),
  'a table that became a partition': [
    { schema: { relations: [{ name: 'p', kind: 'partitioned_table', columns: [id] }] } },
    {
      t: null,
      schema: {
        relations: [{ name: 'p', kind: 'partitioned_table', columns: [id], partitions: [{ ...a, name: 'public.t' }] }],
      },
    },
  ],
  'a partition that is no longer listed by itself': [
    {
      t: { partitionOf: { schema: 'public', name: 'p' } },
      schema: { relations: [{ name: 'p', kind: 'partitioned_table', columns: [id] }] },
    },
    {
      t: null,
      schema: {
        relations: [
          { name: 'p', kind: 'partitioned_table', columns: [id], partitions: [{ ...a, name: '"public".t' }] },
        ],
      },
    },
  ],
}

it.each([
  ['Constraints', 'constraints', CONSTRAINTS],
  ['Indexes', 'indexes', INDEXES],
  ['Policies', 'policies', POLICIES],
  ['Triggers, rules, publications and partitions', 'traits', TRAITS],
  ['Relations', 'relations', RELATIONS],
] as const)('%s have a class and a reason for each change', async (_, name, pairs) => {
  await expect(texts(pairs)).toMatchFileSnapshot(file(name))
})
