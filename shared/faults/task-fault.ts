/**
 * The fault that ends a task,
 * as the worker writes it and the web tier throws it.
 */
import { z } from 'zod'
import { Fault, type Issue, isFaultCode } from './fault.ts'
import { currentCode } from './fault-names.ts'

/** The reason, in one of our sentences. */
const TaskIssue: z.ZodType<Issue> = z
  .object({
    path: z.array(z.union([z.string(), z.number()])),
    code: z.string(),
    message: z.string(),
    ctx: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  })
  // An absent ctx is omitted: no issue has an undefined one.
  .transform(({ ctx, ...issue }) => (ctx === undefined ? issue : { ...issue, ctx }))

/** `retryAfterSeconds` is present if a retry can help this time, whatever the table of faults has for the code. */
export const TaskFault = z.object({
  fault: z.string().transform(currentCode).refine(isFaultCode),
  issues: z.array(TaskIssue).max(1).readonly().optional(),
  retryAfterSeconds: z.number().int().min(1).optional(),
})
export type TaskFault = z.output<typeof TaskFault>

/** The fault to throw for it. */
export function faultOfTask({ fault, issues = [], retryAfterSeconds }: TaskFault): Fault {
  const again =
    retryAfterSeconds === undefined ? {} : { retryable: true, headers: { 'Retry-After': String(retryAfterSeconds) } }
  return new Fault(fault, { issues, ...again })
}
