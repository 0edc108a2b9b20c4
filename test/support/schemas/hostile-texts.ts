/**
 * Texts that a stranger would use as a name, a comment, a type or an expression: each tries to escape its place in a
 * terminal, in `psql`, in SQL, TypeScript, Mermaid, Markdown, HTML or a log.
 */
import { isPrintable } from '#shared/base/printable.ts'

/** The texts, by their attack. Only a stranger's statement can create the table `injected` of the SQL ones. */
export const HOSTILE_TEXTS: Readonly<Record<string, string>> = {
  'clears the screen': 'a\u001b[2J\u001b[Hb',
  'renames the window': '\u001b]0;owned\u0007',
  'writes a hyperlink': '\u001b]8;;https://evil.example\u001b\\here\u001b]8;;\u001b\\',
  'uses C1 controls': 'a\u009b31mb\u0090c\u009c\u0085d',
  'rubs out': 'good\b\b\b\bevil\u007f',
  'overwrites its line': 'active\rrejected',
  'forges a line': 'name\nkey_00000000000000000000000000000000\tlive\tin use',
  'adds a column': 'name\tactive',
  'reverses its direction': 'user\u202e\u2066nimda\u2069\u202c',
  'isolates a direction': '\u061c\u200e\u200f\u2067x\u2068y',
  'hides characters': 'ad\u200bmi\u200dn\ufeff\u2060\u00ad',
  'draws nothing': 'a\u115f\u3164\uffa0\u034f\u180ba\ufe0f',
  'tags invisibly': 'a\u{e0041}\u{e0042}\u{e0100}',
  'breaks a line by U+2028': 'a\u2028b\u2029c\u000bd\u000ce',
  'runs a psql command': '\\! touch /tmp/owned\n\\! touch /tmp/owned',
  'sends a psql query': "select 1 \\g |sh\n'\\gexec\n\\copy (select 1) to program 'sh'",
  'names a psql variable': ':HOST :\'PASSWORD\' :"x" :{?x}',
  'ends a string': "x'; create table public.injected (); --",
  'ends a string behind a backslash': "x\\'; create table public.injected (); --",
  'ends an identifier': 'x"; create table public.injected (); --',
  'ends an expression': '0); create table public.injected (); --',
  'ends a statement': '0; create table public.injected ();',
  'ends a comment': 'x */ create table public.injected (); /*',
  'ends a line comment': '-- \ncreate table public.injected ();\r\ncreate table public.injected ();',
  'ends a dollar quote': '$do$; create table public.injected (); $$ $x$',
  'opens a quote': "'",
  'opens an identifier': '"',
  'opens a comment': '/*',
  'opens a dollar quote': '$$',
  'opens a bracket': '((([',
  'adds a column to a table': 'integer, injected integer',
  'adds a constraint': "0 check ((select pg_catalog.set_config('a.b', 'c', false)) is not null)",
  'hides in Unicode escapes': 'U&"\\0022; create table public.injected (); --" UESCAPE \'!\'',
  'hides in an escape string': "E'\\'; create table public.injected (); --'",
  'ends a literal of TypeScript': '\'"`; process.exit(7); `$' + '{process.exit(7)}`',
  'ends a comment of TypeScript': '*/ process.exit(7) /* @ts-ignore @ts-nocheck',
  'refers to a file': '/// <reference path="/etc/passwd" />',
  'ends a name of Mermaid': 'a" { string b } %%{init: {"securityLevel": "loose"}}%%',
  'writes an entity': '#lt;script#gt;alert(1)#lt;/script#gt; &lt;b&gt; #60;',
  'calls from Mermaid': 'x["`**bold**`"]\nclick x call alert()',
  'ends a code block': '```\n# Heading\n![x](https://evil.example/x.png)\n| a | b |',
  'writes HTML': '</script><script>alert(1)</script><img src=x onerror=alert(1)>',
  'forges a log line': 'x"}\n{"level":50,"msg":"forged"}',
  'is a prototype': '__proto__',
  'is long': 'x'.repeat(60),
}

/** Characters that a stranger's text must not put on a screen; the output's own line feeds and tabs are allowed. */
export function steers(output: string): string[] {
  return [...output].filter(character => character !== '\n' && character !== '\t' && !isPrintable(character))
}
