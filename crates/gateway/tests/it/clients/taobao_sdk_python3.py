"""Calls through PyPI's taobao-sdk-python3, unmodified. Reads a JSON array of calls from standard
input, writes a JSON array of what the client returned or raised."""
import json
import sys
from urllib.parse import urlsplit

import top
from top.api.base import RestApi, TopException


def call(one):
    url = urlsplit(one["url"])

    class Request(RestApi):
        def getapiname(self):
            return one["method"]

    request = Request(url.hostname, url.port)
    request.set_app_info(top.appinfo(one["app_key"], one["secret"]))
    for name, value in one["params"].items():
        setattr(request, name, value)
    try:
        return {"ok": request.getResponse(one["session"])}
    except TopException as error:
        return {"error": {"code": error.errorcode, "msg": error.message,
                          "sub_code": error.subcode, "sub_msg": error.submsg, "message": None}}


json.dump([call(one) for one in json.load(sys.stdin)], sys.stdout)
