"""The door for programs and browsers: runs behind HTTP.

    settings.py    what a service is told: where it listens, who may ask, how much of everything is taken
    refusals.py    what is not answered, as a status and one clear message
    limits.py      a body, pictures, sounds and JSON, each looked at before it costs anything
    posted.py      requests to what was asked: JSON, forms, or the bytes of one file
    inputs.py      what was sent, as cells that `Model.read` takes; none of them can name a file
    models.py      runs, loaded when they are first asked for, and given back where memory is short
    queue.py       one computation at a time: what waits is answered in batches, what takes long step by step
    service.py     the three together: a question in, an answer out
    answers.py     results as JSON and as drawings
    predicting.py  playing.py  openai.py  describing.py      the addresses
    metrics.py     counts for Prometheus
    security.py    who may ask: a token; no other page of a browser
    app.py         the application; running.py listens, and stops gracefully

Nothing knows a task: inputs, answers, drawings and disturbances are those of the contract. Nothing of a request is
written to disk, and no path in a request is ever opened.
"""
