/**
 * Reads an OpenAPI document from standard input and writes the types of a client to standard output. It is a separate
 * program because openapi-typescript needs its own version of TypeScript; `test/openapi/openapi-client.test.ts` runs
 * it.
 */
import { json } from 'node:stream/consumers'
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript'

// The input is not validated here: the generator itself refuses anything but a document.
const document = (await json(process.stdin)) as OpenAPI3
process.stdout.write(astToString(await openapiTS(document)))
