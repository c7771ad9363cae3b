"""A cancel as somebody would write it by hand in an afternoon: the signature is checked, and with "durable"
the order is closed in SQLite before the answer. Usage: server.py PORT static|durable SECRET ORDERS"""

import datetime
import hmac
import json
import secrets
import sqlite3
import sys
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, Request

PORT, MODE, SECRET, ORDERS = sys.argv[1:]
app = FastAPI()


def open_database(count):
    db = sqlite3.connect("peer.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, state TEXT NOT NULL, document TEXT NOT NULL)")
    db.execute("CREATE TABLE events (n INTEGER PRIMARY KEY, id TEXT, what TEXT, at TEXT)")
    db.execute("BEGIN")
    rows = ((f"payable-{n}", "payable", "x" * 1800) for n in range(count))
    db.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    db.execute("COMMIT")
    return db


database = open_database(int(ORDERS)) if MODE == "durable" else None


def now():
    return datetime.datetime.now().isoformat(sep=" ", timespec="seconds")


def cancel(order):
    if database is None:
        return True
    database.execute("BEGIN IMMEDIATE")
    row = database.execute("SELECT state FROM orders WHERE id = ?", (order,)).fetchone()
    found = row is not None and row[0] == "payable"
    if found:
        database.execute("UPDATE orders SET state = 'closed' WHERE id = ?", (order,))
        event = (order, now())
        database.execute("INSERT INTO events (id, what, at) VALUES (?, 'cancel', ?)", event)
    database.execute("COMMIT")
    return found


def is_signed(params):
    sign = params.pop("sign", "")
    text = "".join(name + params[name] for name in sorted(params))
    expected = hmac.new(SECRET.encode(), text.encode(), "md5").hexdigest().upper()
    return hmac.compare_digest(sign, expected)


@app.post("/router/rest")
async def router(request: Request):
    params = dict(parse_qsl((await request.body()).decode()))
    if not is_signed(params):
        return {"error_response": {"code": 25, "msg": "Invalid signature"}}
    wanted = json.loads(params["param_btrip_flight_order_operate_common_rq"])
    success = cancel(wanted["dis_order_id"])
    result = {
        "module": {"cancel_time": now(), "order_status": "6"},
        "result_code": 0 if success else 1,
        "result_msg": "成功" if success else "失败",
        "success": success,
    }
    root = "alitrip_btrip_flight_distribution_order_cancel_response"
    return {root: {"result": result, "request_id": secrets.token_hex(6)}}


uvicorn.run(app, host="127.0.0.1", port=int(PORT), log_level="error", access_log=False)
