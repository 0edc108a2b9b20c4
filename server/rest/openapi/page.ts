/**
 * The frame and the style of the pages under `/docs`, and functions that convert text to HTML.
 * No page runs a script.
 */

/** A page. `folder` is the relative path to the style, so that the link works below any path prefix of a proxy. */
export function page(title: string, folder: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${folder}page.css">
</head>
<body>
${body}
</body>
</html>
`
}

/** Escapes a text for HTML. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** A line of a description: code in backticks, and emphasis between asterisks. */
export function inline(text: string): string {
  return text
    .split('`')
    .map((part, at) =>
      at % 2 === 1 ? `<code>${escaped(part)}</code>` : escaped(part).replace(/\*([^*]+)\*/g, '<em>$1</em>'),
    )
    .join('')
}

/** A description, with a paragraph for each part between empty lines. */
export function paragraphs(text: string | undefined): string {
  if (text === undefined || text === '') return ''
  return text
    .split(/\n{2,}/)
    .map(part => `<p>${inline(part)}</p>`)
    .join('\n')
}

/** The style: one column on a phone, and a list of the operations next to it if there is room. */
export const STYLE = `:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main, nav { max-width: 60rem; margin: 0 auto; padding: 1rem; min-width: 0; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.25rem; border-bottom: 1px solid var(--line); }
h3 { font: 600 1rem/1.5 ui-monospace, monospace; margin: 2rem 0 0.25rem; }
h4 { font-size: 0.9rem; margin: 1rem 0 0.25rem; }
h2 a, h3 a, nav a { color: inherit; text-decoration: none; }
nav a:hover, h2 a:hover, h3 a:hover { text-decoration: underline; }
:target > h2, :target > h3, h2:target, h3:target { background: color-mix(in srgb, gold 35%, transparent); }
p { margin: 0.25rem 0; }
code, pre, summary { font-family: ui-monospace, monospace; font-size: 0.9em; }
pre { margin: 0.25rem 0; padding: 0.5rem; border: 1px solid var(--line); overflow-x: auto; overflow-wrap: normal; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.6rem; border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
.guide p, .guide ul { margin: 0.6rem 0; }
.guide h1 a, .guide h2 a { color: inherit; text-decoration: none; }
ul { margin: 0.25rem 0; padding-left: 1.1rem; }
dl { margin: 0.25rem 0; }
dt { margin-top: 0.4rem; }
dd { margin: 0 0 0 1.1rem; }
nav ul { list-style: none; padding: 0; }
.method { display: inline-block; min-width: 4.2em; font-weight: 700; }
.of { opacity: 0.75; }
nav a:has(.method) { display: grid; grid-template-columns: 4.6em minmax(0, 1fr); font-size: 0.9em; }
@media (max-width: 63.99rem) { nav { max-height: 45vh; overflow-y: auto; border-bottom: 1px solid var(--line); } }
@media (max-width: 40rem) {
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  thead { display: none; }
  tr { display: block; padding: 0.4rem 0; border-bottom: 1px solid var(--line); }
  td { display: block; padding: 0.15rem 0; border: 0; }
  td[data-of]::before { content: attr(data-of) ": "; opacity: 0.75; }
}
@media (min-width: 64rem) {
  body.wide { display: grid; grid-template-columns: 20rem minmax(0, 1fr); }
  body.wide nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; margin: 0; border-right: 1px solid var(--line); }
  body.wide main { margin: 0; max-width: 64rem; }
}
`
