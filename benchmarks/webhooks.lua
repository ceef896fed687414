-- For wrk: posts the webhooks of the file named after `--`, two lines each (signature, body), and prints the result
-- as one line of JSON. Bodies are read and formatted before the clock starts. A second round through the file would
-- post duplicates; `rounds` says whether that happened.

local requests = {}
local threads = {}
local at = 0
rounds = 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local lines = io.lines(args[1])
  for signature in lines do
    local headers = { ["Content-Type"] = "application/json", ["X-Hub-Signature-256"] = signature }
    requests[#requests + 1] = wrk.format("POST", nil, headers, lines())
  end
end

function request()
  at = at + 1
  if at > #requests then
    at = 1
    rounds = rounds + 1
  end
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  local seconds = summary.duration / 1e6
  io.write(string.format(
    '{"seconds": %.3f, "requests": %d, "rate": %.1f, "p50": %.2f, "p95": %.2f, "p99": %.2f, "max": %.2f, '
      .. '"non_2xx": %d, "errors": %d, "rounds": %d}\n',
    seconds, summary.requests, summary.requests / seconds, latency:percentile(50) / 1000,
    latency:percentile(95) / 1000, latency:percentile(99) / 1000, latency.max / 1000, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, threads[1]:get("rounds")))
end
