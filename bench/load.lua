-- What wrk sends. BENCH_TOKENS names a file with one token a line (none: no Authorization); of these,
-- BENCH_COUNT from BENCH_START on are sent one after another, round and round.
local requests = {}
local at = 0

local function add_request(token)
    local fields = { Host = wrk.headers["Host"], ["User-Agent"] = "bench", Accept = "*/*" }
    if token then
        fields["Authorization"] = "Bearer " .. token
    end
    requests[#requests + 1] = wrk.format("GET", os.getenv("BENCH_PATH"), fields)
end

local function add_tokens(path, start, count)
    local lines = {}
    for line in io.lines(path) do
        lines[#lines + 1] = line
    end
    for i = 0, count - 1 do
        add_request(lines[(start + i) % #lines + 1])
    end
end

function init(_)
    local path = os.getenv("BENCH_TOKENS")
    if path then
        add_tokens(path, tonumber(os.getenv("BENCH_START")), tonumber(os.getenv("BENCH_COUNT")))
    else
        add_request(nil)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        'bench {"requests": %d, "broken": %d, "duration_us": %d, "bytes": %.0f, "p50_us": %d, "p99_us": %d}\n',
        summary.requests - errors.status,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout,
        summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99)))
end
