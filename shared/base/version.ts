/**
 * The version of Mooring in one place. `package.json`, the
 * OpenAPI document and the CHANGELOG name the same version.
 */

/** A semantic version, such as `0.3.0`. */
export const VERSION = '0.3.0'
