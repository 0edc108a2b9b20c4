/**
 * OpenTelemetry spans, for operators who preload an SDK: a request, a task, a dial, a statement. Without an SDK they
 * cost next to nothing and go nowhere. Attributes are a closed list; none contains an organization, a host, an id, or
 * the text of a statement or an error.
 */
import {
  type Attributes,
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

/** Every attribute that a span may have, named by the semantic conventions if they define it. */
export const SPAN_ATTRIBUTES = [
  ...(['http.request.method', 'http.route', 'http.response.status_code', 'error.type'] as const),
  ...(['db.system.name', 'db.query.summary'] as const),
  ...(['mooring.surface', 'mooring.task', 'mooring.priority', 'mooring.dial', 'mooring.result'] as const),
] as const

/** Attributes of one span. */
export type SpanAttributes = { readonly [A in (typeof SPAN_ATTRIBUTES)[number]]?: string | number }

/**
 * True if an SDK has been loaded. A preloaded one is there before the process starts anything, so code that makes
 * a span for every request or statement asks once, at start.
 */
export function isTraced(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('mooring') !== undefined
}

/** A span to start. */
export interface SpanStart {
  /** One of a few names: a kind of work. */
  readonly name: string
  /** Whether it is a call to another service, or work taken from the queue. */
  readonly kind: 'client' | 'consumer'
  /** Called only if the span is recorded. */
  attributes(): SpanAttributes
}

/** The operations on a running span. */
export interface OpenSpan {
  note(attributes: SpanAttributes): void
  /** Marks it as failed, with one of our own codes. */
  failed(type: string): void
}

const KINDS = { client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER } as const

/** Runs work in a span. An error ends the span as failed, with only the error's class, and is rethrown. */
export async function inSpan<T>(start: SpanStart, work: (span: OpenSpan) => Promise<T>): Promise<T> {
  const span = tracer().startSpan(start.name, { kind: KINDS[start.kind] })
  if (!isSpanContextValid(span.spanContext())) return work(UNTRACED)
  const open = opened(span)
  if (span.isRecording()) open.note(start.attributes())
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(open))
  } catch (error) {
    open.failed(error instanceof Error ? error.constructor.name : typeof error)
    throw error
  } finally {
    span.end()
  }
}

/** A span of a request, which ends with its answer. */
export interface RequestSpan extends OpenSpan {
  /** Runs the code that serves the request within the span. */
  within(work: () => void): void
  /** Ends it, under the name that is known by then. */
  end(name: string): void
}

/**
 * Starts the span of a request. The caller's own trace is linked and not continued: a stranger decides neither our
 * trace id nor whether it is recorded. Null without an SDK.
 */
export function requestSpan(headers: Readonly<Record<string, unknown>>): RequestSpan | null {
  const caller = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers))
  const links = caller === undefined ? [] : [{ context: caller }]
  const span = tracer().startSpan('request', { kind: SpanKind.SERVER, links }, ROOT_CONTEXT)
  if (!isSpanContextValid(span.spanContext())) return null
  return {
    ...opened(span),
    within: work => context.with(trace.setSpan(ROOT_CONTEXT, span), work),
    end(name) {
      span.updateName(FORM.test(name) ? name : 'request')
      span.end()
    },
  }
}

/** The span to use without an SDK. */
const UNTRACED: OpenSpan = { note() {}, failed() {} }

/** Looked up each time: an SDK that is preloaded may still be loaded after this module. */
function tracer() {
  return trace.getTracer('mooring')
}

function opened(span: Span): OpenSpan {
  return {
    note(attributes) {
      if (span.isRecording()) span.setAttributes(allowed(attributes))
    },
    failed(type) {
      if (!span.isRecording()) return
      span.setAttributes(allowed({ 'error.type': type }))
      span.setStatus({ code: SpanStatusCode.ERROR })
    },
  }
}

/** Letters, digits and the characters of routes; a text of any other form is left out. */
const FORM = /^[A-Za-z0-9_ ./:*-]{1,120}$/

function allowed(attributes: SpanAttributes): Attributes {
  const known: Attributes = {}
  for (const name of SPAN_ATTRIBUTES) {
    const value = attributes[name]
    if (typeof value === 'number' || (typeof value === 'string' && FORM.test(value))) known[name] = value
  }
  return known
}
