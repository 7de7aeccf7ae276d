-- Requests as a file has them: REQUESTS holds a line each (method, target, headers as `Name: value`, between tabs).
local file, first, asked, count = os.getenv("REQUESTS"), tonumber(os.getenv("FIRST")), {}, 0

function init(args)
  for line in io.lines(file) do
    local words = {}
    for word in line:gmatch("[^\t]+") do words[#words + 1] = word end
    local headers = {}
    for number = 3, #words do
      local name, value = words[number]:match("^(.-): (.*)$")
      headers[name] = value
    end
    asked[#asked + 1] = wrk.format(words[1], words[2], headers, words[1] == "POST" and "a=1" or nil)
  end
end

function request()
  count = count + 1
  return asked[(first + count) % #asked + 1]
end

function delay()
  return 1  -- ms: sockets and nginx's clock get a turn
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout))
end
