/**
 * The guide, as Markdown and as HTML. Written by `npm run dump` from `docs/guide.md`, and not to be edited.
 */

/** The source. */
export const GUIDE_MARKDOWN = `# Guide

Mooring keeps the databases that your customers bring. You register a database once; Mooring seals its credential, checks that the database may be trusted, and goes on checking. This guide goes from the first call to operation. The [reference](../docs) has every route and field, and the [faults](faults.md) have every error with what to do about it.

The examples use three variables: \`KEY\`, an API key of the test mode; \`SAMPLE\`, a connection string; and the address \`localhost:3000\`. \`npm start\` prints a key of each mode and a sample database.

## The first registration

\`\`\`console
$ curl -sS localhost:3000/v1/datasources \\
    -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -H 'Prefer: wait=20' \\
    -d "{\\"connectionString\\":\\"$SAMPLE\\",\\"metadata\\":{\\"customer\\":\\"cus_1042\\"}}"
{"object":"datasource","id":"ds_test_01a200b1eb3b768b94f2e0f3eb3dd605","status":"active",…
\`\`\`

\`Prefer: wait=20\` holds the answer until the verdict is in, for 20 seconds at most; 30 is the limit. Without it the answer comes at once, with the status \`unverified\`, and the check follows.

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
| \`unverified\` | It was registered and not checked yet, or nobody answered at its address. It is tried again. | Wait, or look at \`status_reason\`. |
| \`active\` | A check has passed. It can be introspected and leased. | Nothing. While \`status_reason\` is not null, something troubles it. |
| \`rejected\` | A check has found what a person has to mend: a superuser, a wrong password, a private host. | Show the \`fix\` of each failed check to the customer; rotate, or verify again. |

\`status_reason\` is the code of a [fault](faults.md), \`checks\` the whole checklist: each line has an \`item\`, an \`outcome\` and, where it failed, a \`fix\` in words that the customer can act on, often SQL to paste. \`advisories\` are allowed and worth changing.

An \`active\` datasource is checked again at an interval. One refused check does not reject it: it is checked after a minute and again after ten, and is \`rejected\` only when all three refuse. It is not leased meanwhile. A database that is merely away stays \`active\`.

Removing a datasource destroys its sealed credential in the same transaction. The record of what was done stays.

A key belongs to a mode, \`live\` or \`test\`. It reads both and changes only its own.

## Which way to call

| you have | use | because |
|---|---|---|
| TypeScript | tRPC at \`/trpc\`, with \`mooring-client\` | typed inputs and answers, sealing, retries, subscriptions |
| another language, a new integration | \`/v1/datasources\` | flat objects, Unix seconds, \`Prefer: wait\`, filters; the same database again has the same id |
| callers of the connections API | \`/api/v1/connections\` | its envelope and its validation errors, unchanged |
| integration tests | \`mooring/testing\` | a whole Mooring, and a database for each thing that can be wrong |

They are one registry: what one registers, the others read. \`datasource_id\` of a connection is its id elsewhere.

## Before a customer registers

A customer should not hand you the role of the owner. The SQL of a role that passes every check:

\`\`\`console
$ curl -sS "localhost:3000/v1/role_sql?schema=app&provider=supabase" -H "Authorization: Bearer $KEY"
{"object":"role_sql","sql":"…
\`\`\`

The customer replaces the placeholder of the password and runs it as the owner of the tables. To see which role a connection has, and whether row-level security binds it:

\`\`\`sql
select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user;
\`\`\`

A string can be tried before anything is stored. The answer is 200 whatever the verdict, and \`failures\` has the fixes:

\`\`\`console
$ curl -sS localhost:3000/v1/datasources/validate \\
    -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d "{\\"connectionString\\":\\"$SAMPLE\\"}"
{"object":"datasource_validation","connection":"direct","reachable":true,"ready":true,"failures":[]…
\`\`\`

If the customer has a firewall, \`GET /v1/egress\` lists the addresses that it has to admit.

## Rotation

A new credential never breaks a working one. It is tried first; only when it has passed the checklist does it come into force, and \`credential_version\` counts one up. If it is refused, the old one stays, and \`status_reason\` and \`checks\` tell what was wrong with the new one.

\`\`\`console
$ ID=$(curl -sS "localhost:3000/v1/datasources?metadata\\[customer\\]=cus_1042" -H "Authorization: Bearer $KEY" \\
    | sed -E 's/.*"id":"([a-z0-9_]+)".*/\\1/')
$ curl -sS localhost:3000/v1/datasources/$ID/rotate \\
    -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -H 'Prefer: wait=20' \\
    -d "{\\"connectionString\\":\\"$SAMPLE?application_name=rotated\\"}"
{"object":"datasource","id":"ds_test_01a200b1eb3b768b94f2e0f3eb3dd605","status":"active",…
\`\`\`

A string that names another host, port or database is refused with \`target_changed\` unless the request says \`"allowMove": true\`. Registering the same database again through \`POST /v1/datasources\` rotates as well: a process may register at every start.

Endpoints rotate their signing key with \`POST /v1/datasources/{id}/rotate_key\`.

## Polling or watching

**Wait** for one verdict: \`Prefer: wait=20\`, or \`waitSeconds\`. Nothing else is needed for a form that a customer has just sent.

**Poll** to keep a copy. \`updated_at\` moves when something changes that the datasource shows, and not at each check. Ask for those changed since the largest one that you have seen, less a minute, since a change may show a moment after its date. The last changed come first:

\`\`\`console
$ curl -sS "localhost:3000/v1/datasources?updated_since=1767225600&limit=100" -H "Authorization: Bearer $KEY"
{"object":"list","data":[{"object":"datasource",…
\`\`\`

Removed datasources are in no list: compare the ids of a whole list once a day, or watch. A \`GET\` with the \`If-None-Match\` of the last \`ETag\` costs no body while nothing has changed.

**Watch** to hear at once. A subscriber that comes back within seven days misses nothing; one that was away for longer gets a \`reset\` and lists anew:

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

The findings of each check stay readable:

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

A verdict is no error: a refused database is an object with the status \`rejected\`. Errors are for requests that did nothing.

- Repeat what is \`retryable\`, after \`Retry-After\` where there is one. The client does so by itself.
- Send an \`Idempotency-Key\` with every POST and PATCH that may be repeated: the first answer is given again for a day.
- After \`outcome_unknown\`, look before you repeat.
- Every answer has an \`x-request-id\`. Quote it when you report a problem; you may also send your own.
- The \`Link\` header with \`rel="help"\` of an error leads to the section of its code.

## Recipes

**Register at every start, and find it again by your own label.** The same string again changes nothing; other labels replace the old ones.

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

**The schema of a customer's database,** and what changed in it since the last look:

\`\`\`console
$ curl -sS -X POST localhost:3000/v1/datasources/$ID/introspect -H "Authorization: Bearer $KEY"
{"object":"schema_snapshot","id":"snap_…
\`\`\`

**Query the customer's database** from your own worker: an operator grants a lease capability, and \`withDatasource\` of \`mooring-client/node\` hands you a pool. No web process ever sees the password.

**The record of who did what** has every change and every refusal:

\`\`\`console
$ curl -sS "localhost:3000/v1/audit_events?action=datasource.registered&limit=1" -H "Authorization: Bearer $KEY"
{"object":"list","data":[{"object":"audit_event",…
\`\`\`

**Stop using a key.** Make another one, put it in force, then revoke:

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
<p>Mooring keeps the databases that your customers bring. You register a database once; Mooring seals its credential, checks that the database may be trusted, and goes on checking. This guide goes from the first call to operation. The <a href="../docs">reference</a> has every route and field, and the <a href="faults">faults</a> have every error with what to do about it.</p>
<p>The examples use three variables: <code>KEY</code>, an API key of the test mode; <code>SAMPLE</code>, a connection string; and the address <code>localhost:3000</code>. <code>npm start</code> prints a key of each mode and a sample database.</p>
<h2 id="the-first-registration"><a href="#the-first-registration">The first registration</a></h2>
<pre><code class="language-console">$ curl -sS localhost:3000/v1/datasources \\
    -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; -H &#39;Prefer: wait=20&#39; \\
    -d &quot;{\\&quot;connectionString\\&quot;:\\&quot;$SAMPLE\\&quot;,\\&quot;metadata\\&quot;:{\\&quot;customer\\&quot;:\\&quot;cus_1042\\&quot;}}&quot;
{&quot;object&quot;:&quot;datasource&quot;,&quot;id&quot;:&quot;ds_test_01a200b1eb3b768b94f2e0f3eb3dd605&quot;,&quot;status&quot;:&quot;active&quot;,…
</code></pre>
<p><code>Prefer: wait=20</code> holds the answer until the verdict is in, for 20 seconds at most; 30 is the limit. Without it the answer comes at once, with the status <code>unverified</code>, and the check follows.</p>
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
<tr><td data-of="status"><code>unverified</code></td><td data-of="meaning">It was registered and not checked yet, or nobody answered at its address. It is tried again.</td><td data-of="what you do">Wait, or look at <code>status_reason</code>.</td></tr>
<tr><td data-of="status"><code>active</code></td><td data-of="meaning">A check has passed. It can be introspected and leased.</td><td data-of="what you do">Nothing. While <code>status_reason</code> is not null, something troubles it.</td></tr>
<tr><td data-of="status"><code>rejected</code></td><td data-of="meaning">A check has found what a person has to mend: a superuser, a wrong password, a private host.</td><td data-of="what you do">Show the <code>fix</code> of each failed check to the customer; rotate, or verify again.</td></tr>
</tbody></table>
<p><code>status_reason</code> is the code of a <a href="faults">fault</a>, <code>checks</code> the whole checklist: each line has an <code>item</code>, an <code>outcome</code> and, where it failed, a <code>fix</code> in words that the customer can act on, often SQL to paste. <code>advisories</code> are allowed and worth changing.</p>
<p>An <code>active</code> datasource is checked again at an interval. One refused check does not reject it: it is checked after a minute and again after ten, and is <code>rejected</code> only when all three refuse. It is not leased meanwhile. A database that is merely away stays <code>active</code>.</p>
<p>Removing a datasource destroys its sealed credential in the same transaction. The record of what was done stays.</p>
<p>A key belongs to a mode, <code>live</code> or <code>test</code>. It reads both and changes only its own.</p>
<h2 id="which-way-to-call"><a href="#which-way-to-call">Which way to call</a></h2>
<table>
<thead><tr><th>you have</th><th>use</th><th>because</th></tr></thead>
<tbody>
<tr><td data-of="you have">TypeScript</td><td data-of="use">tRPC at <code>/trpc</code>, with <code>mooring-client</code></td><td data-of="because">typed inputs and answers, sealing, retries, subscriptions</td></tr>
<tr><td data-of="you have">another language, a new integration</td><td data-of="use"><code>/v1/datasources</code></td><td data-of="because">flat objects, Unix seconds, <code>Prefer: wait</code>, filters; the same database again has the same id</td></tr>
<tr><td data-of="you have">callers of the connections API</td><td data-of="use"><code>/api/v1/connections</code></td><td data-of="because">its envelope and its validation errors, unchanged</td></tr>
<tr><td data-of="you have">integration tests</td><td data-of="use"><code>mooring/testing</code></td><td data-of="because">a whole Mooring, and a database for each thing that can be wrong</td></tr>
</tbody></table>
<p>They are one registry: what one registers, the others read. <code>datasource_id</code> of a connection is its id elsewhere.</p>
<h2 id="before-a-customer-registers"><a href="#before-a-customer-registers">Before a customer registers</a></h2>
<p>A customer should not hand you the role of the owner. The SQL of a role that passes every check:</p>
<pre><code class="language-console">$ curl -sS &quot;localhost:3000/v1/role_sql?schema=app&amp;provider=supabase&quot; -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;role_sql&quot;,&quot;sql&quot;:&quot;…
</code></pre>
<p>The customer replaces the placeholder of the password and runs it as the owner of the tables. To see which role a connection has, and whether row-level security binds it:</p>
<pre><code class="language-sql">select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user;
</code></pre>
<p>A string can be tried before anything is stored. The answer is 200 whatever the verdict, and <code>failures</code> has the fixes:</p>
<pre><code class="language-console">$ curl -sS localhost:3000/v1/datasources/validate \\
    -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; -d &quot;{\\&quot;connectionString\\&quot;:\\&quot;$SAMPLE\\&quot;}&quot;
{&quot;object&quot;:&quot;datasource_validation&quot;,&quot;connection&quot;:&quot;direct&quot;,&quot;reachable&quot;:true,&quot;ready&quot;:true,&quot;failures&quot;:[]…
</code></pre>
<p>If the customer has a firewall, <code>GET /v1/egress</code> lists the addresses that it has to admit.</p>
<h2 id="rotation"><a href="#rotation">Rotation</a></h2>
<p>A new credential never breaks a working one. It is tried first; only when it has passed the checklist does it come into force, and <code>credential_version</code> counts one up. If it is refused, the old one stays, and <code>status_reason</code> and <code>checks</code> tell what was wrong with the new one.</p>
<pre><code class="language-console">$ ID=$(curl -sS &quot;localhost:3000/v1/datasources?metadata\\[customer\\]=cus_1042&quot; -H &quot;Authorization: Bearer $KEY&quot; \\
    | sed -E &#39;s/.*&quot;id&quot;:&quot;([a-z0-9_]+)&quot;.*/\\1/&#39;)
$ curl -sS localhost:3000/v1/datasources/$ID/rotate \\
    -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; -H &#39;Prefer: wait=20&#39; \\
    -d &quot;{\\&quot;connectionString\\&quot;:\\&quot;$SAMPLE?application_name=rotated\\&quot;}&quot;
{&quot;object&quot;:&quot;datasource&quot;,&quot;id&quot;:&quot;ds_test_01a200b1eb3b768b94f2e0f3eb3dd605&quot;,&quot;status&quot;:&quot;active&quot;,…
</code></pre>
<p>A string that names another host, port or database is refused with <code>target_changed</code> unless the request says <code>&quot;allowMove&quot;: true</code>. Registering the same database again through <code>POST /v1/datasources</code> rotates as well: a process may register at every start.</p>
<p>Endpoints rotate their signing key with <code>POST /v1/datasources/{id}/rotate_key</code>.</p>
<h2 id="polling-or-watching"><a href="#polling-or-watching">Polling or watching</a></h2>
<p><strong>Wait</strong> for one verdict: <code>Prefer: wait=20</code>, or <code>waitSeconds</code>. Nothing else is needed for a form that a customer has just sent.</p>
<p><strong>Poll</strong> to keep a copy. <code>updated_at</code> moves when something changes that the datasource shows, and not at each check. Ask for those changed since the largest one that you have seen, less a minute, since a change may show a moment after its date. The last changed come first:</p>
<pre><code class="language-console">$ curl -sS &quot;localhost:3000/v1/datasources?updated_since=1767225600&amp;limit=100&quot; -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;list&quot;,&quot;data&quot;:[{&quot;object&quot;:&quot;datasource&quot;,…
</code></pre>
<p>Removed datasources are in no list: compare the ids of a whole list once a day, or watch. A <code>GET</code> with the <code>If-None-Match</code> of the last <code>ETag</code> costs no body while nothing has changed.</p>
<p><strong>Watch</strong> to hear at once. A subscriber that comes back within seven days misses nothing; one that was away for longer gets a <code>reset</code> and lists anew:</p>
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
<p>The findings of each check stay readable:</p>
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
<p>A verdict is no error: a refused database is an object with the status <code>rejected</code>. Errors are for requests that did nothing.</p>
<ul>
<li>Repeat what is <code>retryable</code>, after <code>Retry-After</code> where there is one. The client does so by itself.</li>
<li>Send an <code>Idempotency-Key</code> with every POST and PATCH that may be repeated: the first answer is given again for a day.</li>
<li>After <code>outcome_unknown</code>, look before you repeat.</li>
<li>Every answer has an <code>x-request-id</code>. Quote it when you report a problem; you may also send your own.</li>
<li>The <code>Link</code> header with <code>rel=&quot;help&quot;</code> of an error leads to the section of its code.</li>
</ul>
<h2 id="recipes"><a href="#recipes">Recipes</a></h2>
<p><strong>Register at every start, and find it again by your own label.</strong> The same string again changes nothing; other labels replace the old ones.</p>
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
<p><strong>The schema of a customer&#39;s database,</strong> and what changed in it since the last look:</p>
<pre><code class="language-console">$ curl -sS -X POST localhost:3000/v1/datasources/$ID/introspect -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;schema_snapshot&quot;,&quot;id&quot;:&quot;snap_…
</code></pre>
<p><strong>Query the customer&#39;s database</strong> from your own worker: an operator grants a lease capability, and <code>withDatasource</code> of <code>mooring-client/node</code> hands you a pool. No web process ever sees the password.</p>
<p><strong>The record of who did what</strong> has every change and every refusal:</p>
<pre><code class="language-console">$ curl -sS &quot;localhost:3000/v1/audit_events?action=datasource.registered&amp;limit=1&quot; -H &quot;Authorization: Bearer $KEY&quot;
{&quot;object&quot;:&quot;list&quot;,&quot;data&quot;:[{&quot;object&quot;:&quot;audit_event&quot;,…
</code></pre>
<p><strong>Stop using a key.</strong> Make another one, put it in force, then revoke:</p>
<pre><code class="language-console">$ curl -sS localhost:3000/v1/api_keys -H &quot;Authorization: Bearer $KEY&quot; -H &#39;Content-Type: application/json&#39; -d &#39;{&quot;name&quot;:&quot;deploy&quot;}&#39;
{&quot;object&quot;:&quot;api_key&quot;,&quot;id&quot;:&quot;key_…
</code></pre>
`
