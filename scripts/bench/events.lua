-- Batches of page views by visitors who agreed: SENDERS holds a line each (Cookie, choice, User-Agent, between tabs).
local senders = {}
for line in io.lines(os.getenv("SENDERS")) do
  local cookie, choice, agent = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)")
  senders[#senders + 1] = { cookie = cookie, choice = choice, agent = agent }
end
local origin, batch = os.getenv("ORIGIN"), tonumber(os.getenv("BATCH"))
local prefix, began = os.getenv("ROUND"), tonumber(os.getenv("NOW"))
local count = 0

function request()
  local who = senders[count % #senders + 1]
  local events = {}
  for number = 1, batch do
    count = count + 1
    events[number] = string.format(
      '{"id":"%s%020x","event":"view","time":%.0f,"url":"%s/demo/page-%d"}', prefix, count, began, origin, count % 40)
  end
  return wrk.format("POST", nil, {
    ["Content-Type"] = "text/plain;charset=UTF-8", ["Origin"] = origin, ["Cookie"] = who.cookie,
    ["User-Agent"] = who.agent, ["Accept-Language"] = "de-AT,de;q=0.8,en;q=0.5",
  }, string.format('{"choice":"%s","events":[%s],"screen":"large"}', who.choice, table.concat(events, ",")))
end

local pause = tonumber(os.getenv("PAUSE") or "0")
if pause > 0 then
  function delay()
    return math.floor(pause * (0.5 + math.random()) + 0.5)
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(99),
    summary.requests - errors.status))  -- requests are those that were answered
end
