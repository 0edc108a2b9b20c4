/**
 * The guide, as Markdown and as HTML. Written by `npm run dump` from `docs/guide.md`, and not to be edited.
 */

/** The source. */
export const GUIDE_MARKDOWN = `# Guide

Mooring keeps the databases that your customers bring. You register a database once; Mooring seals its credential, checks that the database can be trusted, and keeps checking. This guide leads from the first call to operation. The [reference](../docs) lists every route and field, and the [faults](faults.md) page lists every error with its remedy.

The examples use two variables and an address: \`KEY\`, an API key of the test mode; \`SAMPLE\`, a connection string; and \`localhost:3000\`. \`npm start\` prints a key for each mode and a sample database.

## The first registration

\`\`\`console
$ curl -sS localhost:3000/v1/datasources \\
    -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -H 'Prefer: wait=20' \\
    -d "{\\"connectionString\\":\\"$SAMPLE\\",\\"metadata\\":{\\"customer\\":\\"cus_1042\\"}}"
{"object":"datasource","id":"ds_test_01a200b1eb3b768b94f2e0f3eb3dd605","status":"active",…
\`\`\`

\`Prefer: wait=20\` holds the answer until the verdict is in, for at most 20 seconds; the maximum is 30. Without it the answer comes at once, with the status \`unverified\`, and the check follows.

The same from TypeScript. The client seals the connection string before it leaves your process:

\`\`\`ts
import { createClient } from 'mooring-client'

const mooring = createClient({ url: 'http://localhost:3000', key: process.env.KEY ?? '' })
const datasource = await mooring.datasources.register.mutate({
  connectionString: process.env.SAMPLE ?? '',
  metadata: { customer: 'cus_1042' },
  waitSeconds: 20,
})
console.log(datasource.status)
for (const check of datasource.checks.filter(({ outcome }) => outcome === 'fail')) console.log(check.item, check.fix)
\`\`\`

## The life of a datasource

| status | meaning | what you do |
|---|---|---|
| \`unverified\` | It has not been checked yet, or nothing answered at its address. Mooring tries again. | Wait, or look at \`status_reason\`. |
| \`active\` | A check has passed. It can be introspected and leased. | Nothing. If \`status_reason\` is not null, the last check found a problem. |
| \`rejected\` | A check has found a problem that a person must fix: a superuser, a wrong password, a private host. | Show the \`fix\` of each failed check to the customer; then rotate, or verify again. |

\`status_reason\` is the code of a [fault](faults.md), and \`checks\` is the whole checklist: each line has an \`item\`, an \`outcome\` and, if it failed, a \`fix\` that the customer can act on, often SQL to paste. \`advisories\` are allowed, but worth changing.

An \`active\` datasource is checked again at an interval. One failed check does not reject it: it is checked again after one minute and after ten, and is \`rejected\` only if all three fail. Until then it cannot be leased. A database that is merely unreachable stays \`active\`.

Removing a datasource destroys its sealed credential in the same transaction. Its audit record stays. A second \`DELETE\` answers 404: if the answer to the first was lost, take it as done.

A key belongs to a mode, \`live\` or \`test\`. It reads both and changes only its own.

## Which way to call

| you have | use | because |
|---|---|---|
| TypeScript | tRPC at \`/trpc\`, with \`mooring-client\` | typed inputs and answers, sealing, retries, subscriptions |
| another language, a new integration | \`/v1/datasources\` | flat objects, Unix seconds, \`Prefer: wait\`, filters; registering a database again returns the same id |
| callers of the connections API | \`/api/v1/connections\` | its envelope and its validation errors, unchanged |
| integration tests | \`mooring/testing\` | a whole Mooring, and a database for each possible defect |

They share one registry: a datasource registered through one can be read through the others. The \`datasource_id\` of a connection is its id elsewhere.

## Before a customer registers

A customer should not give you the owner's role. This is the SQL for a role that passes every check:

\`\`\`console
$ curl -sS "localhost:3000/v1/role_sql?schema=app&provider=supabase" -H "Authorization: Bearer $KEY"
{"object":"role_sql","sql":"…
\`\`\`

The customer replaces the placeholder for the password and runs it as the owner of the tables. To see which role a connection uses, and whether row-level security applies to it:

\`\`\`sql
select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user;
\`\`\`

You can try a connection string before anything is stored. The answer is 200 whatever the verdict, and \`failures\` has the fixes:

\`\`\`console
$ curl -sS localhost:3000/v1/datasources/validate \\
    -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d "{\\"connectionString\\":\\"$SAMPLE\\"}"
{"object":"datasource_validation","connection":"direct","reachable":true,"ready":true,"failures":[]…
\`\`\`

If the customer has a firewall, \`GET /v1/egress\` lists the addresses that it must allow.

## Rotation

A new credential never breaks a working one. It is tried first; it comes into force only when it has passed the checklist, and \`credential_version\` then increases by one. If it fails, the old one stays in force, and \`status_reason\` and \`checks\` show the problem with the new one.

\`\`\`console
$ ID=$(curl -sS "localhost:3000/v1/datasources?metadata\\[customer\\]=cus_1042" -H "Authorization: Bearer $KEY" \\
    | sed -E 's/.*"id":"([a-z0-9_]+)".*/\\1/')
$ curl -sS localhost:3000/v1/datasources/$ID/rotate \\
    -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -H 'Prefer: wait=20' \\
    -d "{\\"connectionString\\":\\"$SAMPLE?application_name=rotated\\"}"
{"object":"datasource","id":"ds_test_01a200b1eb3b768b94f2e0f3eb3dd605","status":"active",…
\`\`\`

A string that names another host, port or database is refused with \`target_changed\` unless the request has \`"allowMove": true\`. Registering the same database again through \`POST /v1/datasources\` also rotates, so a process may register at every start.

Endpoints rotate their signing key with \`POST /v1/datasources/{id}/rotate_key\`.

## Polling or watching

**Wait** for one verdict: \`Prefer: wait=20\`, or \`waitSeconds\`. For a form that a customer has just submitted, you need nothing else.

**Poll** to keep a copy. \`updated_at\` changes when a visible field of the datasource changes, not at each check. Ask for datasources changed since the largest value that you have seen, minus one minute, because a change can become visible shortly after its timestamp. The most recently changed come first:

\`\`\`console
$ curl -sS "localhost:3000/v1/datasources?updated_since=1767225600&limit=100" -H "Authorization: Bearer $KEY"
{"object":"list","data":[{"object":"datasource",…
\`\`\`

Removed datasources are in no list: compare the ids of a full list once a day, or watch. A \`GET\` with the last \`ETag\` in \`If-None-Match\` returns no body while nothing has changed.

**Watch** to be notified at once. A subscriber that reconnects within seven days misses nothing; after a longer absence it gets a \`reset\` and must list again:

\`\`\`ts
import { createClient } from 'mooring-client'

const mooring = createClient({ url: 'http://localhost:3000', key: process.env.KEY ?? '' })
const subscription = mooring.datasources.watch.subscribe(undefined, {
  onStarted: () => void mooring.datasources.register.mutate({ connectionString: process.env.SAMPLE ?? '' }),
  onData: ({ data }) => {
    console.log(data.change)
    if (data.change === 'verified') subscription.unsubscribe()
  },
})
\`\`\`

The results of each check remain available:

\`\`\`console
$ curl -sS "localhost:3000/v1/datasources/$ID/verifications?limit=1" -H "Authorization: Bearer $KEY"
{"object":"list","data":[{"object":"verification",…
\`\`\`

## Errors

| over | the code | the rest |
|---|---|---|
| tRPC | \`error.data.fault\`; \`faultOf(error)\` of the client reads it | \`issues\` names the fields, \`retryable\` says whether a repeat can help |
| \`/v1\` | \`code\` | \`param\` names the field, \`doc_url\` leads to the section of the code |
| \`/api/v1/connections\` | \`error.code\` | 422 has \`detail\` in the shape of Pydantic v2 |

\`\`\`console
$ curl -sS localhost:3000/v1/datasources -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"connectionString":"mysql://db.example.com/shop"}'
{"type":"AbloValidationError","code":"invalid_body","message":"…
\`\`\`

A verdict is not an error: a refused database is an object with the status \`rejected\`. An error means that the request did nothing.

- Retry a \`retryable\` fault, after \`Retry-After\` if it is present. The client does so by itself.
- Send an \`Idempotency-Key\` with every POST and PATCH that you may retry: for a day, a retry gets the first answer. A DELETE needs none.
- After \`outcome_unknown\`, read the object before you retry.
- Every answer has an \`x-request-id\`. Quote it when you report a problem; you may also send your own.
- The \`Link\` header with \`rel="help"\` of an error leads to the section of its code.

## Recipes

**Register at every start, and find it again by your own label.** Registering the same string again changes nothing; new labels replace the old ones.

\`\`\`ts
import { createClient } from 'mooring-client'

const mooring = createClient({ url: 'http://localhost:3000', key: process.env.KEY ?? '' })
const { items } = await mooring.datasources.list.query({ metadata: { customer: 'cus_1042' }, status: 'active' })
console.log(items.map(({ displayName }) => displayName).join('\\n'))
\`\`\`

**Everything that needs a person, for a dashboard.**

\`\`\`console
$ curl -sS "localhost:3000/v1/datasources?status=rejected&limit=100" -H "Authorization: Bearer $KEY"
{"object":"list","data":[],"has_more":false}
\`\`\`

**A token for a page or an agent** that may only read, for ten minutes:

\`\`\`console
$ curl -sS localhost:3000/v1/capabilities -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
    -d '{"operations":["datasources.read"],"ttlSeconds":600,"label":"status page"}'
{"object":"capability","id":"cap_…
\`\`\`

**The schema of a customer's database,** and what has changed since the last snapshot:

\`\`\`console
$ curl -sS -X POST localhost:3000/v1/datasources/$ID/introspect -H "Authorization: Bearer $KEY"
{"object":"schema_snapshot","id":"snap_…
\`\`\`

**Query the customer's database** from your own worker: an operator grants a lease capability, and \`withDatasource\` from \`mooring-client/node\` gives you a pool. No web process ever sees the password.

**The record of who did what** has every change and every refusal:

\`\`\`console
$ curl -sS "localhost:3000/v1/audit_events?action=datasource.registered&limit=1" -H "Authorization: Bearer $KEY"
{"object":"list","data":[{"object":"audit_event",…
\`\`\`

**Replace a key.** Create a new one, start using it, then revoke the old one:

\`\`\`console
$ curl -sS localhost:3000/v1/api_keys -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"name":"deploy"}'
{"object":"api_key","id":"key_…
\`\`\`
`

/** The sections, in order. */
export const GUIDE_SECTIONS = [
  { id: 'the-first-registration', title: 'The first registration' },
  { id: 'the-life-of-a-datasource', title: 'The life of a datasource' },
  { id: 'which-way-to-call', title: 'Which way to call' },
  { id: 'before-a-customer-registers', title: 'Before a customer registers' },
  { id: 'rotation', title: 'Rotation' },
  { id: 'polling-or-watching', title: 'Polling or watching' },
  { id: 'errors', title: 'Errors' },
  { id: 'recipes', title: 'Recipes' },
] as const

/** The same for a page. */
export const GUIDE_HTML = `<h1 id="guide"><a href="#guide">Guide</a></h1>
<p>Mooring keeps the databases that your customers bring. You register a database once; Mooring seals its credential, checks that the database can be trusted, and keeps checking. This guide leads from the first call to operation. The <a href="../docs">reference</a> lists every route and field, and the <a href="faults">faults</a> page lists every error with its remedy.</p>
<p>The examples use two variables and an address: <code>KEY</code>, an API key of the test mode; <code>SAMPLE</code>, a connection string; and <code>localhost:3000</code>. <code>npm start</code> prints a key for each mode and a sample database.</p>
<h2 id="the-first-registration"><a href="#the-first-registration">The first registration</a></h2>
<pre><code class="language-console">$ curl -sS localhost:3000/v1/datasources \\
    -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; -H &#39;Prefer: wait=20&#39; \\
    -d &quot;{\\&quot;connectionString\\&quot;:\\&quot;$SAMPLE\\&quot;,\\&quot;metadata\\&quot;:{\\&quot;customer\\&quot;:\\&quot;cus_1042\\&quot;}}&quot;
{&quot;object&quot;:&quot;datasource&quot;,&quot;id&quot;:&quot;ds_test_01a200b1eb3b768b94f2e0f3eb3dd605&quot;,&quot;status&quot;:&quot;active&quot;,…
</code></pre>
<p><code>Prefer: wait=20</code> holds the answer until the verdict is in, for at most 20 seconds; the maximum is 30. Without it the answer comes at once, with the status <code>unverified</code>, and the check follows.</p>
<p>The same from TypeScript. The client seals the connection string before it leaves your process:</p>
<pre><code class="language-ts">import { createClient } from &#39;mooring-client&#39;

const mooring = createClient({ url: &#39;http://localhost:3000&#39;, key: process.env.KEY ?? &#39;&#39; })
const datasource = await mooring.datasources.register.mutate({
  connectionString: process.env.SAMPLE ?? &#39;&#39;,
  metadata: { customer: &#39;cus_1042&#39; },
  waitSeconds: 20,
})
console.log(datasource.status)
for (const check of datasource.checks.filter(({ outcome }) =&gt; outcome === &#39;fail&#39;)) console.log(check.item, check.fix)
</code></pre>
<h2 id="the-life-of-a-datasource"><a href="#the-life-of-a-datasource">The life of a datasource</a></h2>
<table>
<thead><tr><th>status</th><th>meaning</th><th>what you do</th></tr></thead>
<tbody>
<tr><td data-of="status"><code>unverified</code></td><td data-of="meaning">It has not been checked yet, or nothing answered at its address. Mooring tries again.</td><td data-of="what you do">Wait, or look at <code>status_reason</code>.</td></tr>
<tr><td data-of="status"><code>active</code></td><td data-of="meaning">A check has passed. It can be introspected and leased.</td><td data-of="what you do">Nothing. If <code>status_reason</code> is not null, the last check found a problem.</td></tr>
<tr><td data-of="status"><code>rejected</code></td><td data-of="meaning">A check has found a problem that a person must fix: a superuser, a wrong password, a private host.</td><td data-of="what you do">Show the <code>fix</code> of each failed check to the customer; then rotate, or verify again.</td></tr>
</tbody></table>
<p><code>status_reason</code> is the code of a <a href="faults">fault</a>, and <code>checks</code> is the whole checklist: each line has an <code>item</code>, an <code>outcome</code> and, if it failed, a <code>fix</code> that the customer can act on, often SQL to paste. <code>advisories</code> are allowed, but worth changing.</p>
<p>An <code>active</code> datasource is checked again at an interval. One failed check does not reject it: it is checked again after one minute and after ten, and is <code>rejected</code> only if all three fail. Until then it cannot be leased. A database that is merely unreachable stays <code>active</code>.</p>
<p>Removing a datasource destroys its sealed credential in the same transaction. Its audit record stays. A second <code>DELETE</code> answers 404: if the answer to the first was lost, take it as done.</p>
<p>A key belongs to a mode, <code>live</code> or <code>test</code>. It reads both and changes only its own.</p>
<h2 id="which-way-to-call"><a href="#which-way-to-call">Which way to call</a></h2>
<table>
<thead><tr><th>you have</th><th>use</th><th>because</th></tr></thead>
<tbody>
<tr><td data-of="you have">TypeScript</td><td data-of="use">tRPC at <code>/trpc</code>, with <code>mooring-client</code></td><td data-of="because">typed inputs and answers, sealing, retries, subscriptions</td></tr>
<tr><td data-of="you have">another language, a new integration</td><td data-of="use"><code>/v1/datasources</code></td><td data-of="because">flat objects, Unix seconds, <code>Prefer: wait</code>, filters; registering a database again returns the same id</td></tr>
<tr><td data-of="you have">callers of the connections API</td><td data-of="use"><code>/api/v1/connections</code></td><td data-of="because">its envelope and its validation errors, unchanged</td></tr>
<tr><td data-of="you have">integration tests</td><td data-of="use"><code>mooring/testing</code></td><td data-of="because">a whole Mooring, and a database for each possible defect</td></tr>
</tbody></table>
<p>They share one registry: a datasource registered through one can be read through the others. The <code>datasource_id</code> of a connection is its id elsewhere.</p>
<h2 id="before-a-customer-registers"><a href="#before-a-customer-registers">Before a customer registers</a></h2>
<p>A customer should not give you the owner&#39;s role. This is the SQL for a role that passes every check:</p>
<pre><code class="language-console">$ curl -sS &quot;localhost:3000/v1/role_sql?schema=app&amp;provider=supabase&quot; -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;role_sql&quot;,&quot;sql&quot;:&quot;…
</code></pre>
<p>The customer replaces the placeholder for the password and runs it as the owner of the tables. To see which role a connection uses, and whether row-level security applies to it:</p>
<pre><code class="language-sql">select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user;
</code></pre>
<p>You can try a connection string before anything is stored. The answer is 200 whatever the verdict, and <code>failures</code> has the fixes:</p>
<pre><code class="language-console">$ curl -sS localhost:3000/v1/datasources/validate \\
    -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; -d &quot;{\\&quot;connectionString\\&quot;:\\&quot;$SAMPLE\\&quot;}&quot;
{&quot;object&quot;:&quot;datasource_validation&quot;,&quot;connection&quot;:&quot;direct&quot;,&quot;reachable&quot;:true,&quot;ready&quot;:true,&quot;failures&quot;:[]…
</code></pre>
<p>If the customer has a firewall, <code>GET /v1/egress</code> lists the addresses that it must allow.</p>
<h2 id="rotation"><a href="#rotation">Rotation</a></h2>
<p>A new credential never breaks a working one. It is tried first; it comes into force only when it has passed the checklist, and <code>credential_version</code> then increases by one. If it fails, the old one stays in force, and <code>status_reason</code> and <code>checks</code> show the problem with the new one.</p>
<pre><code class="language-console">$ ID=$(curl -sS &quot;localhost:3000/v1/datasources?metadata\\[customer\\]=cus_1042&quot; -H &quot;Authorization: Bearer $KEY&quot; \\
    | sed -E &#39;s/.*&quot;id&quot;:&quot;([a-z0-9_]+)&quot;.*/\\1/&#39;)
$ curl -sS localhost:3000/v1/datasources/$ID/rotate \\
    -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; -H &#39;Prefer: wait=20&#39; \\
    -d &quot;{\\&quot;connectionString\\&quot;:\\&quot;$SAMPLE?application_name=rotated\\&quot;}&quot;
{&quot;object&quot;:&quot;datasource&quot;,&quot;id&quot;:&quot;ds_test_01a200b1eb3b768b94f2e0f3eb3dd605&quot;,&quot;status&quot;:&quot;active&quot;,…
</code></pre>
<p>A string that names another host, port or database is refused with <code>target_changed</code> unless the request has <code>&quot;allowMove&quot;: true</code>. Registering the same database again through <code>POST /v1/datasources</code> also rotates, so a process may register at every start.</p>
<p>Endpoints rotate their signing key with <code>POST /v1/datasources/{id}/rotate_key</code>.</p>
<h2 id="polling-or-watching"><a href="#polling-or-watching">Polling or watching</a></h2>
<p><strong>Wait</strong> for one verdict: <code>Prefer: wait=20</code>, or <code>waitSeconds</code>. For a form that a customer has just submitted, you need nothing else.</p>
<p><strong>Poll</strong> to keep a copy. <code>updated_at</code> changes when a visible field of the datasource changes, not at each check. Ask for datasources changed since the largest value that you have seen, minus one minute, because a change can become visible shortly after its timestamp. The most recently changed come first:</p>
<pre><code class="language-console">$ curl -sS &quot;localhost:3000/v1/datasources?updated_since=1767225600&amp;limit=100&quot; -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;list&quot;,&quot;data&quot;:[{&quot;object&quot;:&quot;datasource&quot;,…
</code></pre>
<p>Removed datasources are in no list: compare the ids of a full list once a day, or watch. A <code>GET</code> with the last <code>ETag</code> in <code>If-None-Match</code> returns no body while nothing has changed.</p>
<p><strong>Watch</strong> to be notified at once. A subscriber that reconnects within seven days misses nothing; after a longer absence it gets a <code>reset</code> and must list again:</p>
<pre><code class="language-ts">import { createClient } from &#39;mooring-client&#39;

const mooring = createClient({ url: &#39;http://localhost:3000&#39;, key: process.env.KEY ?? &#39;&#39; })
const subscription = mooring.datasources.watch.subscribe(undefined, {
  onStarted: () =&gt; void mooring.datasources.register.mutate({ connectionString: process.env.SAMPLE ?? &#39;&#39; }),
  onData: ({ data }) =&gt; {
    console.log(data.change)
    if (data.change === &#39;verified&#39;) subscription.unsubscribe()
  },
})
</code></pre>
<p>The results of each check remain available:</p>
<pre><code class="language-console">$ curl -sS &quot;localhost:3000/v1/datasources/$ID/verifications?limit=1&quot; -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;list&quot;,&quot;data&quot;:[{&quot;object&quot;:&quot;verification&quot;,…
</code></pre>
<h2 id="errors"><a href="#errors">Errors</a></h2>
<table>
<thead><tr><th>over</th><th>the code</th><th>the rest</th></tr></thead>
<tbody>
<tr><td data-of="over">tRPC</td><td data-of="the code"><code>error.data.fault</code>; <code>faultOf(error)</code> of the client reads it</td><td data-of="the rest"><code>issues</code> names the fields, <code>retryable</code> says whether a repeat can help</td></tr>
<tr><td data-of="over"><code>/v1</code></td><td data-of="the code"><code>code</code></td><td data-of="the rest"><code>param</code> names the field, <code>doc_url</code> leads to the section of the code</td></tr>
<tr><td data-of="over"><code>/api/v1/connections</code></td><td data-of="the code"><code>error.code</code></td><td data-of="the rest">422 has <code>detail</code> in the shape of Pydantic v2</td></tr>
</tbody></table>
<pre><code class="language-console">$ curl -sS localhost:3000/v1/datasources -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; -d &#39;{&quot;connectionString&quot;:&quot;mysql://db.example.com/shop&quot;}&#39;
{&quot;type&quot;:&quot;AbloValidationError&quot;,&quot;code&quot;:&quot;invalid_body&quot;,&quot;message&quot;:&quot;…
</code></pre>
<p>A verdict is not an error: a refused database is an object with the status <code>rejected</code>. An error means that the request did nothing.</p>
<ul>
<li>Retry a <code>retryable</code> fault, after <code>Retry-After</code> if it is present. The client does so by itself.</li>
<li>Send an <code>Idempotency-Key</code> with every POST and PATCH that you may retry: for a day, a retry gets the first answer. A DELETE needs none.</li>
<li>After <code>outcome_unknown</code>, read the object before you retry.</li>
<li>Every answer has an <code>x-request-id</code>. Quote it when you report a problem; you may also send your own.</li>
<li>The <code>Link</code> header with <code>rel=&quot;help&quot;</code> of an error leads to the section of its code.</li>
</ul>
<h2 id="recipes"><a href="#recipes">Recipes</a></h2>
<p><strong>Register at every start, and find it again by your own label.</strong> Registering the same string again changes nothing; new labels replace the old ones.</p>
<pre><code class="language-ts">import { createClient } from &#39;mooring-client&#39;

const mooring = createClient({ url: &#39;http://localhost:3000&#39;, key: process.env.KEY ?? &#39;&#39; })
const { items } = await mooring.datasources.list.query({ metadata: { customer: &#39;cus_1042&#39; }, status: &#39;active&#39; })
console.log(items.map(({ displayName }) =&gt; displayName).join(&#39;\\n&#39;))
</code></pre>
<p><strong>Everything that needs a person, for a dashboard.</strong></p>
<pre><code class="language-console">$ curl -sS &quot;localhost:3000/v1/datasources?status=rejected&amp;limit=100&quot; -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;list&quot;,&quot;data&quot;:[],&quot;has_more&quot;:false}
</code></pre>
<p><strong>A token for a page or an agent</strong> that may only read, for ten minutes:</p>
<pre><code class="language-console">$ curl -sS localhost:3000/v1/capabilities -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; \\
    -d &#39;{&quot;operations&quot;:[&quot;datasources.read&quot;],&quot;ttlSeconds&quot;:600,&quot;label&quot;:&quot;status page&quot;}&#39;
{&quot;object&quot;:&quot;capability&quot;,&quot;id&quot;:&quot;cap_…
</code></pre>
<p><strong>The schema of a customer&#39;s database,</strong> and what has changed since the last snapshot:</p>
<pre><code class="language-console">$ curl -sS -X POST localhost:3000/v1/datasources/$ID/introspect -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;schema_snapshot&quot;,&quot;id&quot;:&quot;snap_…
</code></pre>
<p><strong>Query the customer&#39;s database</strong> from your own worker: an operator grants a lease capability, and <code>withDatasource</code> from <code>mooring-client/node</code> gives you a pool. No web process ever sees the password.</p>
<p><strong>The record of who did what</strong> has every change and every refusal:</p>
<pre><code class="language-console">$ curl -sS &quot;localhost:3000/v1/audit_events?action=datasource.registered&amp;limit=1&quot; -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;list&quot;,&quot;data&quot;:[{&quot;object&quot;:&quot;audit_event&quot;,…
</code></pre>
<p><strong>Replace a key.</strong> Create a new one, start using it, then revoke the old one:</p>
<pre><code class="language-console">$ curl -sS localhost:3000/v1/api_keys -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; -d &#39;{&quot;name&quot;:&quot;deploy&quot;}&#39;
{&quot;object&quot;:&quot;api_key&quot;,&quot;id&quot;:&quot;key_…
</code></pre>
`
