-- POSTs of 1 kB: what wrk sends to a stand-in to learn how many it takes.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"text":"' .. string.rep("x", 1000) .. '"}'
