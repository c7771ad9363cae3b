"""Calls through PyPI's taobaopy, unmodified. Reads a JSON array of calls from standard input,
writes a JSON array of what the client returned or raised."""
import io
import json
import sys

from taobaopy.taobao import TaoBaoAPIClient, TaoBaoAPIError


def call(one):
    base = one["url"][: -len("/router/rest")]
    client = TaoBaoAPIClient(one["app_key"], one["secret"], domain=base, retry_count=1)
    if one["session"]:
        client.set_access_token(one["session"])
    params = dict(one["params"])
    if one.get("file"):
        content = io.BytesIO(one["file"]["text"].encode())
        content.name = one["file"]["filename"]
        params[one["file"]["name"]] = content
    # a.b.c is the attribute a__b_c
    space, rest = one["method"].split(".", 1)
    try:
        return {"ok": getattr(client.post, space + "__" + rest.replace(".", "_"))(**params)}
    except TaoBaoAPIError as error:
        return {"error": {"code": error.code, "msg": error.msg, "sub_code": error.sub_code,
                          "sub_msg": error.sub_msg, "request_id": error.request_id}}


json.dump([call(one) for one in json.load(sys.stdin)], sys.stdout)
