-- wrk -s load.lua URL -- METHOD PATH BODY TOKENS FIRST COUNT [THREADS]
-- %d in PATH and BODY becomes FIRST, FIRST + 1, ... (each number once while COUNT lasts, then again
-- from FIRST). TOKENS: a file with one access token a line, taken in turn; - for none. A second word
-- on the line is the number for that token, instead of FIRST, FIRST + 1, ...
-- Prints: requests a second, median and 99th percentile in ms, answers that were not 2xx or 3xx.
local threads = 0
function setup(thread)
	thread:set("index", threads)
	threads = threads + 1
end

function init(args)
	method, path, body, first, size = args[1], args[2], args[3], tonumber(args[5]), tonumber(args[6])
	tokens, numbers = {}, {}
	if args[4] ~= "-" then
		for line in io.lines(args[4]) do
			local token, number = line:match("^(%S+) ?(%d*)$")
			tokens[#tokens + 1] = "Bearer " .. token
			if number ~= "" then numbers[#tokens] = number end
		end
	end
	made, stride = 0, tonumber(args[7] or 1)
	headers = { ["Content-Type"] = "application/json", ["Accept-Language"] = "en" }
	if body == "" then body = nil end
end

-- Threads share the numbers: of four, each takes every fourth.
function request()
	local number = string.format("%d", first + (made * stride + index) % size)
	made = made + 1
	if #tokens > 0 then
		local turn = made % #tokens + 1
		headers["Authorization"] = tokens[turn]
		number = numbers[turn] or number
	end
	local target = path:gsub("%%d", number)
	local content = body and body:gsub("%%d", number)
	return wrk.format(method, target, headers, content)
end

function done(summary, latency)
	local bad = summary.errors.status + summary.errors.connect + summary.errors.read
		+ summary.errors.write + summary.errors.timeout
	io.write(string.format("RESULT %.1f %.3f %.3f %d\n", summary.requests / summary.duration * 1e6,
		latency:percentile(50) / 1000, latency:percentile(99) / 1000, bad))
end
