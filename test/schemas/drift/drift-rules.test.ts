/**
 * The class and the reason of each change that a rule of its own decides, word for word.
 * `test/vectors/schemas/drift-*.txt` are reviewed like code; `npm run -s vitest -- test/schemas/drift/ -u` rewrites
 * them. That snapshots of real servers have these shapes is shown in `drift-paths.test.ts` and `drift-objects.test.ts`.
 */
import { expect, it } from 'vitest'
import {
  across,
  column,
  columns,
  id,
  inDatabase,
  inSchema,
  note,
  type Pair,
  type Part,
  type State,
  schema,
  t,
  texts,
} from '#test/support/schemas/changed.ts'

const file = (name: string) => `../../vectors/schemas/drift-${name}.txt`
const drawn = { default: "nextval('public.t_id_seq'::regclass)" }
const numbers = { type: 'bigint', start: '1', increment: '1', min: '1', max: '9', cache: '1' }
const sequence = (name: string, more: Part = {}) => ({ name, ...numbers, ...more })
const owned = { ownedBy: { relation: 't', column: 'note' } }

const COLUMNS: Readonly<Record<string, Pair>> = {
  'a column that may be null': columns([id], [id, note]),
  'a column that may not be null': columns([id], [id, { ...note, notNull: true }]),
  'a column that new rows may not leave null': columns([id], [id, { ...note, notNullUnvalidated: true }]),
  'a required column with a default': columns([id], [id, { ...note, notNull: true, default: "''::text" }]),
  'a required column with an identity': columns([id], [id, { ...note, notNull: true, identity: 'always' }]),
  'a required column that is computed': columns([id], [id, { ...note, notNull: true, generated: 'id' }]),
  'a required column of a view': t(
    { kind: 'view', columns: [id] },
    { kind: 'view', columns: [id, { ...note, notNull: true }] },
  ),
  'a column of a domain that refuses null': [
    { t: { columns: [id] }, schema: { domains: [{ name: 'public.must', type: 'text', notNull: true }] } },
    {
      t: { columns: [id, { name: 'a', type: 'public.must' }] },
      schema: { domains: [{ name: 'public.must', type: 'text', notNull: true }] },
    },
  ],
  'a column of a domain that refuses null and has a default': [
    { t: { columns: [id] }, schema: { domains: [{ name: 'public.d', type: 'text', notNull: true, default: "''" }] } },
    {
      t: { columns: [id, { name: 'a', type: 'public.d' }] },
      schema: { domains: [{ name: 'public.d', type: 'text', notNull: true, default: "''" }] },
    },
  ],
  'null refused': column({}, { notNull: true }),
  'null refused in new rows': column({}, { notNullUnvalidated: true }),
  'null refused in new rows, then in all': column({ notNullUnvalidated: true }, { notNull: true }),
  'null refused where a check did': t(
    { constraints: [{ name: 'c', kind: 'check', columns: ['note'], definition: 'CHECK ((note IS NOT NULL))' }] },
    {
      columns: [id, { ...note, notNull: true }],
      constraints: [{ name: 'c', kind: 'check', columns: ['note'], definition: 'CHECK ((note IS NOT NULL))' }],
    },
  ),
  'null refused in new rows where a check did': t(
    { constraints: [{ name: 'c', kind: 'check', columns: ['note'], definition: 'CHECK ((note IS NOT NULL))' }] },
    {
      columns: [id, { ...note, notNullUnvalidated: true }],
      constraints: [{ name: 'c', kind: 'check', columns: ['note'], definition: 'CHECK ((note IS NOT NULL))' }],
    },
  ),
  'null in a table that inherits': column({}, { nullBelow: true }),
  'a default': column({}, { default: "'a'::text" }),
  'another default': column({ default: "'a'::text" }, { default: "'b'::text" }),
  'another default on another server': across(column({ default: "'a'::text" }, { default: "'b'::text" })),
  'a default in other words on another server': across(column({ default: '(1)::text' }, { default: '1::text' })),
  'the default of a required column': column({ notNull: true, default: '1' }, { notNull: true }),
  'a default in place of a sequence of its own': column(drawn, { default: '7' }),
  'an identity': column({}, { identity: 'always' }),
  'an identity that inserts may overrule': column({}, { identity: 'by_default' }),
  'an identity in place of a sequence': column(drawn, { identity: 'always' }),
  'an identity that inserts may overrule, in place of a sequence': column(drawn, { identity: 'by_default' }),
  'an identity that inserts may no longer overrule': column({ identity: 'by_default' }, { identity: 'always' }),
  'a default in place of an identity': column({ identity: 'always' }, { default: '7' }),
  'an identity of a required column': column({ identity: 'always', notNull: true }, { notNull: true }),
  'other numbers of an identity': column(
    { identity: 'always' },
    { identity: 'always', identityOptions: { start: '7' } },
  ),
  'a computed column': column({}, { generated: 'upper(note)' }),
  'a column that is computed differently': column({ generated: 'upper(note)' }, { generated: 'lower(note)' }),
  'a column that is computed on reading': column({ generated: 'id' }, { generated: 'id', virtual: true }),
  'a collation, a comment, a base and options': column(
    {},
    { collation: '"C"', comment: 'x', base: 'oid', options: [{ name: 'a', value: 'b' }] },
  ),
  'the name of a constraint': column({ notNull: true }, { notNull: true, notNullName: 'n' }),
  'the name of a constraint on another server': across(column({ notNull: true }, { notNull: true, notNullName: 'n' })),
  'a permission': column({ may: ['select'] }, { may: ['select', 'update'] }),
  'another permission': column({ may: ['select'] }, { may: ['update'] }),
  'a permission of the table in place of the column’s own': t(
    { columns: [id, { ...note, may: ['select'] }] },
    { columns: [id, note], may: ['select'] },
  ),
  'a permission of the table in place of those of its columns': t(
    {
      columns: [
        { ...id, may: ['select'] },
        { ...note, may: ['select', 'update'] },
      ],
    },
    { columns: [id, note], may: ['select'] },
  ),
  'a sequence with another name': [
    { t: { columns: [id, { ...note, ...drawn }] }, schema: { sequences: [sequence('t_id_seq', owned)] } },
    {
      t: { columns: [id, { ...note, default: "nextval('public.other'::regclass)" }] },
      schema: { sequences: [sequence('other', owned)] },
    },
  ],
  'a sequence with another name and other numbers': [
    { t: { columns: [id, { ...note, ...drawn }] }, schema: { sequences: [sequence('t_id_seq', owned)] } },
    {
      t: { columns: [id, { ...note, default: "nextval('public.other'::regclass)" }] },
      schema: { sequences: [sequence('other', { ...owned, start: '7' })] },
    },
  ],
  'a sequence that no column owns in place of one': [
    { t: { columns: [id, { ...note, ...drawn }] }, schema: { sequences: [sequence('t_id_seq', owned)] } },
    {
      t: { columns: [id, { ...note, default: "nextval('public.other'::regclass)" }] },
      schema: { sequences: [sequence('other')] },
    },
  ],
  'an identity in place of a sequence that goes with it': [
    { t: { columns: [id, { ...note, ...drawn }] }, schema: { sequences: [sequence('t_id_seq', owned)] } },
    { t: { columns: [id, { ...note, identity: 'always' }] } },
  ],
}

const enumOf = (name: string, ...labels: string[]) => ({ enums: [{ name, labels }] })
/** A schema that lists an enum of another one, as long as a column uses it. */
const lists = (name: string, ...labels: string[]) => ({
  ...{ name, relations: [] },
  ...(labels.length > 0 && enumOf('public.mood', ...labels)),
})
const ofType = (type: string, more: Part): State => ({ t: { columns: [{ name: 'c', type }] }, schema: more })
const domains = (...list: Part[]) => ({ domains: list.map(it => ({ type: 'text', ...it })) })
const domain = inSchema('domains', { name: 'public.d', type: 'text' })
const checked = (definition: string, name = 'c') => ({ checks: [{ name, definition }] })
const VALUE = 'CHECK ((VALUE IS NOT NULL))'
const LONG = "CHECK ((VALUE <> ''::text))"

const TYPES: Readonly<Record<string, Pair>> = {
  'another type': column({}, { type: 'date' }),
  'a wider type': column({ type: 'character varying(4)' }, { type: 'text' }),
  'a wider integer': column({ type: 'integer' }, { type: 'bigint' }),
  'an array': column({ type: 'integer' }, { type: 'integer[]' }),
  'another array': column({ type: 'integer[]' }, { type: 'date[]' }),
  'an enum with another name': [
    ofType('public.a[]', enumOf('public.a', 'x')),
    ofType('public.b[]', enumOf('public.b', 'x')),
  ],
  'an enum with another name, and an array of it': [
    ofType('public.a', enumOf('public.a', 'x')),
    ofType('public.b[]', enumOf('public.b', 'x')),
  ],
  'an enum with another name and one more label': [
    ofType('public.a', enumOf('public.a', 'x')),
    ofType('public.b', enumOf('public.b', 'y', 'x')),
  ],
  'an enum with another name and another label': [
    ofType('public.a', enumOf('public.a', 'x')),
    ofType('public.b', enumOf('public.b', 'y')),
  ],
  'an enum without labels': schema(enumOf('public.a'), enumOf('public.b', 'y')),
  'a text in place of an enum': [ofType('public.a', enumOf('public.a', 'x')), ofType('text', {})],
  'a domain in place of its base': [ofType('text', {}), ofType('public.d', domains({ name: 'public.d' }))],
  'a domain over a domain in place of its base': [
    ofType('text', {}),
    ofType('public.e', domains({ name: 'public.d' }, { name: 'public.e', type: 'public.d' })),
  ],
  'a domain over a wider base': [
    ofType('public.d', domains({ name: 'public.d', type: 'character varying(4)' })),
    ofType('public.e', domains({ name: 'public.e', type: 'text' })),
  ],
  'a domain over another base': [
    ofType('public.d', domains({ name: 'public.d', type: 'date' })),
    ofType('public.e', domains({ name: 'public.e', type: 'text' })),
  ],
  'a domain that no column uses any longer': [
    { schema: domains({ name: 'public.d' }) },
    { schema: domains({ name: 'public.e', default: '1' }) },
  ],
  'an enum that another schema still lists': [
    { database: { schemas: [lists('a', 'x'), lists('b', 'x')] } },
    { database: { schemas: [lists('a'), lists('b', 'x')] } },
  ],
  labels: schema(enumOf('public.a', 'x', 'y'), enumOf('public.a', 'y', 'x')),
  'a label': schema(enumOf('public.a', 'x'), enumOf('public.a', 'x', 'y')),
  'another label': schema(enumOf('public.a', 'x', 'z'), enumOf('public.a', 'x', 'y')),
  comments: schema(
    { enums: [{ name: 'public.a', labels: [] }], comment: 'x' },
    { enums: [{ name: 'public.a', labels: [], comment: 'x' }] },
  ),
  'a domain that refuses null': domain({}, { notNull: true }),
  'a domain that refuses null where a check did': domain(checked(VALUE), { ...checked(VALUE), notNull: true }),
  'a check in place of not null': domain({ notNull: true }, checked(VALUE)),
  'a check of a domain': domain({}, checked(LONG)),
  'a check of a domain for null': domain({}, checked(VALUE)),
  'a check of a domain for null and more': domain(
    { notNull: true },
    { notNull: true, ...checked("CHECK (((VALUE IS NOT NULL) AND (VALUE <> ''::text)))") },
  ),
  'a check of a domain for null and more, where nothing was refused': domain(
    {},
    checked("CHECK (((VALUE IS NOT NULL) AND (VALUE <> ''::text)))"),
  ),
  'a check for null beside another one': domain(checked(VALUE, 'a'), {
    checks: ['a', 'b'].map(name => ({ name, definition: VALUE })),
  }),
  'a check beside null that is refused': domain(
    { notNull: true, ...checked(LONG) },
    { notNull: true, ...checked(`${LONG} NOT VALID`) },
  ),
  'a check with another name': domain(checked(LONG, 'a'), checked(LONG, 'b')),
  'a check that says something else': domain(checked(LONG), checked("CHECK ((VALUE <> 'x'::text))")),
  'a check that now refuses null': domain(checked(LONG), checked(VALUE)),
  'a check that now refuses null, which was refused': domain(
    { notNull: true, ...checked(LONG) },
    { notNull: true, ...checked(VALUE) },
  ),
  'a check in other words on another server': across(
    domain(checked("CHECK ((VALUE <> ''::text))"), checked("CHECK (VALUE <> ''::text)")),
  ),
  'a default, a collation, a comment of a domain': domain({}, { default: '1', collation: '"C"', comment: 'x' }),
  'another default of a domain': domain({ default: '1' }, { default: '2' }),
}

const composite = inSchema('composites', { name: 'public.c' })
const attributes = (...names: string[]) => ({ attributes: names.map(name => ({ name, type: 'text' })) })
const range = inSchema('ranges', { name: 'public.r', type: 'integer' })
const routine = inSchema('functions', {
  ...{ name: 'f(integer)', kind: 'function', arguments: 'n integer', language: 'plpgsql', result: 'text', hash: '1' },
})
const f = { name: 'f()', kind: 'function', arguments: '', language: 'sql', result: 'text', hash: '1' }
const longer = (name: string, args: string, more: Part = {}): Pair =>
  schema({ functions: [f] }, { functions: [{ ...f, name, arguments: args, ...more }] })
const extended = (args: string, name = 'f(integer, integer)'): Pair =>
  schema(
    { functions: [{ ...f, name: 'f(integer)', arguments: 'n integer' }] },
    { functions: [{ ...f, name, arguments: args }] },
  )
const counter = inSchema('sequences', { name: 's', ...numbers })
const publication = inDatabase('publications', { name: 'p', operations: ['insert'] })
const server = inDatabase('servers', { name: 'w', wrapper: 'postgres_fdw' })
const extension = inDatabase('extensions', { name: 'citext', version: '1', schema: 'public' })
const other = (name: string) => inSchema('others', { name })
const HASHES = { hash: '1' }

const OBJECTS: Readonly<Record<string, Pair>> = {
  'a composite type': composite(null, attributes('a')),
  'a composite type in another order': composite(attributes('a', 'b'), { ...attributes('b', 'a'), comment: 'x' }),
  'a field of a composite type': composite(attributes('a'), attributes('a', 'b')),
  'another type and collation of a field': composite(attributes('a'), {
    attributes: [{ name: 'a', type: 'date', collation: '"C"' }],
  }),
  'a range': range(null, {}),
  'the properties of a range': range(
    {},
    { type: 'date', collation: '"C"', class: 'c', canonical: 'c', difference: 'd', multirange: 'm', comment: 'x' },
  ),
  'a function': routine(null, {}),
  'the properties of a function': routine(
    {},
    {
      ...{ kind: 'procedure', arguments: 'm integer', result: 'date', language: 'sql', hash: '2', strict: true },
      ...{ volatility: 'stable', securityDefiner: true, leakproof: true, parallel: 'safe', settings: '1' },
      ...{ searchPath: 'public', denied: true, comment: 'x' },
    },
  ),
  'another search path of a function': routine({ searchPath: 'a' }, { searchPath: 'b' }),
  'the body of a function on another server': across(routine({}, { hash: '2' })),
  'the body of an SQL function': routine({ language: 'sql' }, { language: 'sql', hash: '2' }),
  'the body of an SQL function on another server': across(routine({ language: 'sql' }, { language: 'sql', hash: '2' })),
  'the arguments of a procedure, with their mode, on another server': across(
    routine({ arguments: 'n integer, m date' }, { arguments: 'IN n integer, IN m date' }),
  ),
  'the arguments of a procedure, with their mode': routine({ arguments: 'n integer' }, { arguments: 'IN n integer' }),
  'other arguments on another server': across(routine({ arguments: 'n integer' }, { arguments: 'm integer' })),
  'a function that takes more, which calls may omit': longer('f(integer)', 'n integer DEFAULT 1'),
  'a function that takes more, which calls must give': longer('f(integer)', 'n integer'),
  'a function that takes more after what calls must give': longer('f(integer)', 'm date, n integer DEFAULT 1'),
  'a function of another name that takes more': longer('g(integer)', 'n integer DEFAULT 1'),
  'a function of a longer name that takes more': longer('ff(integer)', 'n integer DEFAULT 1'),
  'a function with another result that takes more': longer('f(integer)', 'n integer DEFAULT 1', { result: 'date' }),
  'a procedure that takes more': longer('f(integer)', 'n integer DEFAULT 1', { kind: 'procedure' }),
  'a function that takes one more, which calls may omit': extended('n integer, m integer DEFAULT 1'),
  'a function that takes one more, which calls must give': extended('n integer, m integer'),
  'a function that takes one before': extended('m integer, n integer DEFAULT 1'),
  'a function that takes one more of a longer type': extended(
    'n integer, m integer DEFAULT 1',
    'f(integer[], integer)',
  ),
  'a sequence': counter(null, {}),
  'the properties of a sequence': counter(
    {},
    {
      ...{ type: 'integer', start: '2', increment: '2', min: '2', max: '8', cache: '2', cycle: true, unlogged: true },
      ...{ ...owned, comment: 'x' },
    },
  ),
  'a sequence that is unlogged with its table': [
    { schema: { sequences: [sequence('s', owned)] } },
    { t: { unlogged: true }, schema: { sequences: [sequence('s', { ...owned, unlogged: true })] } },
  ],
  'a sequence that is unlogged without its table': [
    { schema: { sequences: [sequence('s', owned)] } },
    { schema: { sequences: [sequence('s', { ...owned, unlogged: true })] } },
  ],
  'a sequence that is unlogged beside a table that was': [
    { t: { unlogged: true }, schema: { sequences: [sequence('s', owned)] } },
    { t: { unlogged: true }, schema: { sequences: [sequence('s', { ...owned, unlogged: true })] } },
  ],
  'another sequence of the same column': schema(
    { sequences: [sequence('a', owned)] },
    { sequences: [sequence('b', owned)] },
  ),
  'a sequence of another column': schema(
    { sequences: [sequence('a', owned)] },
    { sequences: [sequence('b', { ownedBy: { relation: 't', column: 'id' } })] },
  ),
  'a sequence that a column owned': schema({ sequences: [sequence('a', owned)] }, {}),
  'a sequence whose table is gone': [
    { schema: { relations: [{ name: 'u', kind: 'table', columns: [] }], sequences: [sequence('a', owned)] } },
    { t: null, schema: { relations: [{ name: 'u', kind: 'table', columns: [] }] } },
  ],
  'a publication': publication(null, {}),
  'the properties of a publication': publication(
    {},
    { allTables: true, schemas: ['public'], operations: ['insert', 'update'], viaRoot: true, generated: true },
  ),
  'other operations of a publication': publication({}, { operations: ['update'] }),
  'a server': server(null, {}),
  'the properties of a server': server({}, { wrapper: 'w', extension: 'x', handled: true }),
  'an extension': extension(null, {}),
  'the properties of an extension': extension({}, { version: '2', schema: 'app', requires: ['a'] }),
  'a schema of an extension': schema({}, { extension: 'x', comment: 'y' }),
  ...Object.fromEntries(
    ['event trigger', 'default acl', 'cast', 'operator', 'operator class', 'statistics object', 'subscription'].flatMap(
      kind => [
        [`a thing: ${kind}`, other(`${kind} x`)(null, HASHES)],
        [`another thing: ${kind}`, other(`${kind} x`)(HASHES, { hash: '2' })],
      ],
    ),
  ),
  'a thing without a kind': other('castle x')(null, HASHES),
  'another thing on another server': across(other('cast x')(HASHES, { hash: '2' })),
  'another collation': other('collation x')({ definition: 'a' }, { definition: 'b' }),
  'other statistics': other('statistics object x')({ definition: 'a' }, { definition: 'b' }),
}

it('The columns of a table have a class and a reason for each change', async () => {
  await expect(texts(COLUMNS)).toMatchFileSnapshot(file('columns'))
})

it('Types have a class and a reason for each change', async () => {
  await expect(texts(TYPES)).toMatchFileSnapshot(file('types'))
})

it('Objects other than tables have a class and a reason for each change', async () => {
  await expect(texts(OBJECTS)).toMatchFileSnapshot(file('objects'))
})
