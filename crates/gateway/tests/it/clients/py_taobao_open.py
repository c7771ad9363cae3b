"""Calls through PyPI's py-taobao-open, unmodified. Reads a JSON array of calls from standard
input, writes a JSON array of what the client returned or raised."""
import io
import json
import sys
from urllib.parse import urlsplit

import taobao_open
from taobao_open.api.base import FileItem, RestApi, TopException


def call(one):
    url = urlsplit(one["url"])
    file = one.get("file")

    class Request(RestApi):
        def getapiname(self):
            return one["method"]

        def getMultipartParas(self):
            return [file["name"]] if file else []

    request = Request(url.hostname, url.port)
    request.set_app_info(taobao_open.appinfo(one["app_key"], one["secret"]))
    for name, value in one["params"].items():
        setattr(request, name, value)
    if file:
        content = io.BytesIO(file["text"].encode()) if file.get("binary") else io.StringIO(file["text"])
        setattr(request, file["name"], FileItem(file["filename"], content))
    try:
        return {"ok": request.getResponse(one["session"])}
    except TopException as error:
        return {"error": {"code": error.errorcode, "msg": error.message,
                          "sub_code": error.subcode, "sub_msg": error.submsg,
                          "application_host": error.application_host,
                          "service_host": error.service_host}}
    except (AttributeError, UnicodeEncodeError) as error:
        return {"failed": str(error)}


json.dump([call(one) for one in json.load(sys.stdin)], sys.stdout)
