-- One-click charges for wrk, each under a key of its own. Arguments: run id, secret key, customers.
-- Prints one line of JSON: what was captured, what came instead, and the latencies.

local run, secret, customers, count = "", "", {}, 0
captured, others = 0, ""
local instead, threads = {}, {}

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   run, secret = args[1], args[2]
   for n = 3, #args do
      table.insert(customers, args[n])
   end
end

function request()
   count = count + 1
   local reference = run .. "-" .. count
   local body = string.format(
      '{"customer_id":"%s","amount":{"amount_minor":100,"currency":"EUR"},"order_reference":"%s","capture":"now"}',
      customers[count % #customers + 1], reference)
   return wrk.format("POST", nil, {
      ["Authorization"] = "Bearer " .. secret,
      ["Content-Type"] = "application/json",
      ["Idempotency-Key"] = reference,
   }, body)
end

function response(status, headers, body)
   if status == 201 and string.find(body, '"state":"captured"', 1, true) then
      captured = captured + 1
   else
      local what = string.match(body, '"code":"([a-z_]+)"') or string.match(body, '"state":"([a-z_]+)"') or status
      instead[what] = (instead[what] or 0) + 1
      others = ""
      for name, times in pairs(instead) do
         others = others .. (others == "" and "" or ",") .. string.format('"%s":%d', name, times)
      end
   end
end

function done(summary, latency, requests)
   local thread = threads[1]
   print(string.format(
      '{"seconds":%.3f,"captured":%d,"other":{%s},"lost":%d,"p50_ms":%.2f,"p95_ms":%.2f,"p99_ms":%.2f}',
      summary.duration / 1e6, thread:get("captured"), thread:get("others"),
      summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
      latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
