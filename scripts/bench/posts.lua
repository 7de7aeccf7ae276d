-- One body an "accept all" sends, with an idempotency key of its own for every request.
local template = os.getenv("BODY")
local headers = { ["Content-Type"] = "text/plain;charset=UTF-8", ["Origin"] = os.getenv("ORIGIN") }
local thread_count = 0

function setup(thread)
  thread_count = thread_count + 1
  thread:set("number", thread_count)
end

function init(args)
  prefix = string.format("%s%02d", os.getenv("ROUND"), number)
  count = 0
end

function request()
  count = count + 1
  local key = string.format("%s%012d", prefix, count)
  return wrk.format("POST", nil, headers, (template:gsub("KEYKEYKEYKEYKEYKEYKEYK", key)))
end

local pause = tonumber(os.getenv("PAUSE") or "0")
if pause > 0 then
  function delay()
    return math.floor(pause * (0.5 + math.random()) + 0.5)
  end
end

function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(99)))
end
