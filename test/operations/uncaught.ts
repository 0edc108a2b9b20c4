/**
 * A process with an uncaught error of the kind in its argument. Run by `test/operations/failure-lines.test.ts`, which
 * reads its log.
 */
import { createLog } from '#server/log.ts'
import { endOnUncaught } from '#server/process/process.ts'

endOnUncaught(createLog({ level: 'info' }))
const error = new Error('it broke at postgres://app:Tell-N0-one@db/app', {
  cause: Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:5432')], ''), { code: 'ECONNREFUSED' }),
})
setInterval(() => undefined, 1_000)
if (process.argv[2] === 'rejection') void Promise.reject(error)
else
  setTimeout(() => {
    throw error
  }, 1)
