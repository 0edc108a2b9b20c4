/**
 * The library's metrics of the process itself, under the names that Node dashboards use. The names are the library's
 * (prom-client, `lib/metrics`); a test compares them with those of a running process.
 */

/** The question that each metric answers, or the alert that uses it, by name. */
export const PROCESS_METRICS: Readonly<Record<string, string>> = {
  process_cpu_user_seconds_total: 'how busy is the process?',
  process_cpu_system_seconds_total: 'how busy is the system for it?',
  process_cpu_seconds_total: 'how near is one core? Node computes on one',
  process_start_time_seconds: 'MooringRestarts',
  process_resident_memory_bytes: 'MooringMemoryGrows',
  process_virtual_memory_bytes: 'nothing: Node reserves much more than it uses',
  process_heap_bytes: 'how much of its memory is data?',
  process_open_fds: 'MooringDescriptorsRunOut',
  process_max_fds: 'MooringDescriptorsRunOut',
  nodejs_eventloop_lag_seconds: 'how late is the loop at the moment of the scrape?',
  nodejs_eventloop_lag_min_seconds: 'the loop, between two scrapes',
  nodejs_eventloop_lag_max_seconds: 'the loop, between two scrapes',
  nodejs_eventloop_lag_mean_seconds: 'the loop, between two scrapes',
  nodejs_eventloop_lag_stddev_seconds: 'the loop, between two scrapes',
  nodejs_eventloop_lag_p50_seconds: 'the loop, between two scrapes',
  nodejs_eventloop_lag_p90_seconds: 'the loop, between two scrapes',
  nodejs_eventloop_lag_p99_seconds: 'MooringEventLoopLate',
  nodejs_active_resources: 'what keeps the process busy, by `type`?',
  nodejs_active_resources_total: 'the sum of these',
  nodejs_active_handles: 'which sockets and timers are open, by `type`?',
  nodejs_active_handles_total: 'the sum of these',
  nodejs_active_requests: 'which system calls are under way, by `type`?',
  nodejs_active_requests_total: 'the sum of these',
  nodejs_heap_size_total_bytes: 'the heap',
  nodejs_heap_size_used_bytes: 'the heap',
  nodejs_external_memory_bytes: 'memory outside of the heap: buffers',
  nodejs_heap_space_size_total_bytes: 'the heap, by `space`',
  nodejs_heap_space_size_used_bytes: 'the heap, by `space`',
  nodejs_heap_space_size_available_bytes: 'the heap, by `space`',
  nodejs_version_info: 'which Node runs where?',
  nodejs_gc_duration_seconds: 'how long does the collector hold the process, by `kind`?',
}

/** The labels of these metrics and the form of their values: names from Node itself, never from a caller. */
export const PROCESS_LABELS: Readonly<Record<string, RegExp>> = {
  type: /^[A-Za-z]{1,40}$/,
  space: /^[a-z_]{1,40}$/,
  kind: /^(major|minor|incremental|weakcb)$/,
  version: /^v\d+\.\d+\.\d+$/,
  major: /^\d+$/,
  minor: /^\d+$/,
  patch: /^\d+$/,
}
