/**
 * Stands where Express and body-parser look for `qs`. They load it at once and call it for extended query strings and
 * form bodies only, of which Mooring takes neither. `package.json` puts it there, under `overrides`.
 */
function unavailable() {
  throw new Error('The extended query parser is not installed: see overrides in package.json.')
}

module.exports = { parse: unavailable, stringify: unavailable }
