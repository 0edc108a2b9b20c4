/**
 * Reads an OpenAPI document from standard input and writes the types of a client for it to standard output. A program of its
 * own, beside the TypeScript that openapi-typescript needs; `test/openapi/openapi-client.test.ts` runs it.
 */
import { json } from 'node:stream/consumers'
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript'

// Whatever came in is the document: the generator itself refuses anything else.
const document = (await json(process.stdin)) as OpenAPI3
process.stdout.write(astToString(await openapiTS(document)))
