"""The worker process. It does all work that follows after a webhook or a queued send was stored and acknowledged.

`worker` runs the process. `lanes` lists the kinds of work, `lane_work` and `lane_upkeep` say what each does, `crew`
makes those of one process, and `loops` runs each in a thread. Three lanes do the main work: `process` (notifications),
`send` (queued sends) and `deliver` (events to endpoints). `deliver` limits the deliveries of each endpoint by
`fair_share` and keeps what it has claimed in `in_flight`.
"""
