"""Calls through PyPI's pytaobao, unmodified. Reads a JSON array of calls from standard input,
writes a JSON array of what the client returned or raised."""
import json
import sys

from pytaobao.apis.base import TaobaoClient
from pytaobao.exceptions import ApiError


def call(one):
    client = TaobaoClient(one["app_key"], one["secret"], one["session"], endpoint=one["url"],
                          sign_method=one.get("sign_method", "md5"))
    try:
        return {"ok": client.perform_request(one["method"], dict(one["params"]))}
    except ApiError as error:
        return {"error": {"status_code": error.status_code, "reason": error.reason}}
    except UnboundLocalError as error:
        return {"failed": str(error)}


json.dump([call(one) for one in json.load(sys.stdin)], sys.stdout)
