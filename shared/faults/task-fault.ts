/**
 * The fault that ends a task, as the worker
 * stores it and the web tier throws it.
 */
import { z } from 'zod'
import { Fault, type Issue, isFaultCode } from './fault.ts'
import { currentCode } from './fault-names.ts'

/** An issue of the input, with one of our own messages. */
const TaskIssue: z.ZodType<Issue> = z
  .object({
    path: z.array(z.union([z.string(), z.number()])),
    code: z.string(),
    message: z.string(),
    ctx: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  })
  // An absent `ctx` is omitted, because `Issue` does not allow it to be undefined.
  .transform(({ ctx, ...issue }) => (ctx === undefined ? issue : { ...issue, ctx }))

/**
 * The stored fault. `retryAfterSeconds` is present if a retry can help in this case, whatever the table of faults says
 * for the code.
 */
export const TaskFault = z.object({
  fault: z.string().transform(currentCode).refine(isFaultCode),
  issues: z.array(TaskIssue).max(1).readonly().optional(),
  retryAfterSeconds: z.number().int().min(1).optional(),
})
export type TaskFault = z.output<typeof TaskFault>

/** Returns the fault to throw. */
export function faultOfTask({ fault, issues = [], retryAfterSeconds }: TaskFault): Fault {
  const again =
    retryAfterSeconds === undefined ? {} : { retryable: true, headers: { 'Retry-After': String(retryAfterSeconds) } }
  return new Fault(fault, { issues, ...again })
}
