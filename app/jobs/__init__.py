"""The worker process. It does all work that follows after a webhook or a queued send was stored and acknowledged.

`worker` runs the process. `worker_loops` lists its loops, and `loops` runs each of them in a thread. Three loops do the
main work: `process` (notifications), `send` (queued sends) and `deliver` (events to endpoints). `deliver` limits the
deliveries of each endpoint by `fair_share` and keeps what it has claimed in `in_flight`.
"""
