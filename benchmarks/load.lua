-- The load of benchmarks/serving.py for wrk: post COUNT bodies of a FOLDER in turn, count answers.
local bodies, k = {}, 0
for i = 0, COUNT - 1 do
  local file = io.open("FOLDER/" .. i, "rb")
  bodies[i] = file:read("*a")
  file:close()
end

request = function()
  k = (k + 1) % COUNT
  local headers = { ["Content-Type"] = "KIND" }
  return wrk.format("POST", "/api/read?reader=captcha", headers, bodies[k])
end

local threads = {}
setup = function(thread) table.insert(threads, thread) end
init = function() refused, failed = 0, 0 end
response = function(status)
  if status == 429 or status == 503 then
    refused = refused + 1
  elseif status ~= 200 then
    failed = failed + 1
  end
end

done = function(summary, latency)
  local r, f, e = 0, 0, summary.errors
  for _, thread in ipairs(threads) do
    r, f = r + thread:get("refused"), f + thread:get("failed")
  end
  io.write(string.format('{"requests": %d, "seconds": %f, ', summary.requests,
    summary.duration / 1e6))
  io.write(string.format('"p50": %f, "p99": %f, "max": %f, ', latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3))
  io.write(string.format('"refused": %d, "failed": %d, "broken": %d}\n', r, f,
    e.connect + e.read + e.write + e.timeout))
end
