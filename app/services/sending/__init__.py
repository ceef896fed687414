"""The way of a send: recorded, queued, given its turn, sent, and what becomes of it.

`recording` checks a request and writes its message, `recipients` finds or meets whom it is for; `queue` works the queue
off: `departing` takes out what leaves, `turns` keeps to Meta's limits, `arriving` records what came back; `outcomes` is
the one place that says what Graph's answer means for the message, its number and its recipient; `actions` and
`batches` are what people do to sends; `settle` is what time does to them.
"""
