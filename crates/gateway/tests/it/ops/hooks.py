# What JSON Schema cannot say of an Idempotency-Key: that it is drawn anew for each request.
import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    key = "Idempotency-Key"
    if case.headers and key in case.headers and not case.meta.generation.mode.is_negative:
        case.headers[key] = str(uuid.uuid4())
